"""kws as it is by default: a word counts once its second stage has heard it too."""


def load(models, pairs):
    """`pairs` are, for each model, the thresholds of its two stages."""
    import numpy as np

    from kws.bundle import find_bundle
    from kws.cascade import proposer
    from kws.commands.options import quiet_runtime
    from kws.engine import Engine
    from kws.loading import Wanted, wake_words
    from kws.types import Block

    bundles = [proposer(find_bundle(model)) for model in models]
    with quiet_runtime():
        engine = Engine(
            wake_words(
                Wanted(bundle, threshold=threshold, least=least)
                for bundle, (threshold, least) in zip(bundles, pairs, strict=True)
            )
        )

    def push(chunk):
        heard = {event.name for event in engine.push(Block(np.frombuffer(chunk, np.int16)))}
        return [float(bundle.labels[0] in heard) for bundle in bundles]

    return push

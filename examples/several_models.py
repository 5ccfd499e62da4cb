"""Several wake words at once, each with its own threshold, sharing one front end.

python examples/several_models.py speech.wav computer=0.9 jarvis=0.8
"""

import sys
from collections import Counter

import kws
from kws.engine import WakeWord


def parse(choice: str) -> WakeWord:
    """ "computer=0.9" -> the model with that threshold; "computer" -> with its own."""
    model, _, threshold = choice.partition("=")
    return WakeWord(kws.find_bundle(model), threshold=float(threshold) if threshold else None)


def main(path: str, *choices: str) -> None:
    """Count what is heard."""
    engine = kws.Engine([parse(choice) for choice in choices])
    heard: Counter[str] = Counter()
    with kws.open_source(path) as blocks:
        for block in blocks:
            heard.update(event.name for event in engine.push(block) if isinstance(event, kws.Detection))
    for wake_word in engine.wake_words:
        for label in wake_word.bundle.labels:
            print(f"{label}: {heard[label]}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except kws.KwsError as error:
        sys.exit(str(error))

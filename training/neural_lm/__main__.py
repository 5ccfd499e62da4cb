"""Train a neural language model for a recognizer, and compare its perplexity with the n-grams'.

python -m training.neural_lm english -o out/ [--words 6000] [--minutes 10]

It learns from the texts of the train split's recordings and from the sentences that synthetic voices say, in
equal parts, until texts that are held back from it get no likelier. What it gains is measured by `python -m
training.second_pass measure --rescore neural-lm`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from kws.bundle import MODELS
from kws.recognition.bundle import find_recognizer
from kws.recognition.neural_lm import WEIGHT
from kws.recognition.ngram import read_arpa
from training.data.manifest import read_manifest, recordings_manifest
from training.recognizer import sentences
from training.recognizer.corpus import recorded
from training.recognizer.labels import spoken_words

SOURCES = (
    "what is said in the recordings that the recognizer learns from (see its own sources), without the "
    "sentences that dev speakers say too; commands, orders and digits that are made up"
)
"""For the card."""


@click.command()
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--words", default=6000, show_default=True, help="The most frequent ones are known.")
@click.option("--width", default=64, show_default=True)
@click.option("--minutes", default=10.0, show_default=True, help="CPU time for learning.")
@click.option("--seed", default=7, show_default=True)
def main(model: str, output: Path, words: int, width: int, minutes: float, seed: int) -> None:
    """Copy the recognizer MODEL to a folder and put a neural language model beside it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from kws.recognition.neural_lm import NeuralLanguageModel
    from training.neural_lm.export import write
    from training.neural_lm.learn import ngram_log_prob, perplexity, teach, vocabulary
    from training.neural_lm.network import WordNetwork
    from training.recognizer.publish import add_to_card

    keras.utils.set_random_seed(seed)
    bundle, dev = find_recognizer(model), texts_said("dev")
    learnt, held = parted(unheard(texts_to_learn(seed), dev))
    known = vocabulary(learnt, words)
    network = WordNetwork(len(known), width)
    teach(network, learnt, known, held=held, turns=1000, seconds=60 * minutes, seed=seed, say=_say)
    output.mkdir(parents=True, exist_ok=True)
    for path in (bundle.manifest_path, bundle.model_path):
        if path.resolve().parent != output.resolve():
            shutil.copy(path, output)
    path = write(output, bundle.manifest_path.stem, network, known)
    add_to_card(output / bundle.manifest_path.name, {"neural_lm": about(width, seed, learnt)})
    ngrams = read_arpa(MODELS / "english.arpa.gz")
    shared = set(known) & set(ngrams.words)
    fair = [text for text in dev if set(text.split()) <= shared][:2000]
    click.echo(f"wrote {path}, {path.stat().st_size // 1000} kB, {len(known)} words")
    click.echo(f"perplexity of {len(fair)} dev texts in words that both know:")
    click.echo(f"  this model {perplexity(NeuralLanguageModel(path).log_probs(fair), fair):.0f}")
    click.echo(f"  n-grams    {perplexity([ngram_log_prob(ngrams, text) for text in fair], fair):.0f}")


def about(width: int, seed: int, learnt: Sequence[str]) -> dict[str, object]:
    """For the recognizer's card: what it is, and what it is made of."""
    return {
        "weight": WEIGHT,
        "architecture": f"GRU of width {width}, one matrix for the words going in and out",
        "licence": "Apache-2.0",
        "sources": SOURCES,
        "texts": len(set(learnt)),
        "seed": seed,
        "command": f"python -m training.neural_lm english -o out/ --width {width} --seed {seed}",
    }


def texts_to_learn(seed: int) -> list[str]:
    """What is said in the recordings to learn from, and as many sentences of commands, orders and digits."""
    said, rng = texts_said("train"), np.random.default_rng(seed)
    kinds = (sentences.order, sentences.command, sentences.digits)
    drawn = [spoken_words(kinds[number % len(kinds)](rng)) for number in range(max(len(said), 1000))]
    return [*said, *filter(None, drawn)]


def unheard(texts: Sequence[str], dev: Sequence[str]) -> list[str]:
    """Without the sentences that dev speakers say too; words and pairs of words are anybody's."""
    measured = {text for text in dev if len(text.split()) > 2}
    return [text for text in texts if text not in measured]


def parted(texts: Sequence[str], every: int = 20) -> tuple[list[str], list[str]]:
    """Texts to learn, and some of four words or more that are held back; no text is in both."""
    held = set(sorted({text for text in texts if len(text.split()) >= 4})[::every])
    return [text for text in texts if text not in held], sorted(held)


def texts_said(split: str) -> list[str]:
    """Of a split's recordings, as the recognizer writes them."""
    return [utterance.text for utterance in recorded(read_manifest(recordings_manifest()), split)]


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()

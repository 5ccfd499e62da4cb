"""A small recurrent language model that judges whole texts (Mikolov et al. 2010; a GRU: Cho et al. 2014).

It is used on the n-best alone, so it runs once a command and not at every step of the search. The network
lies beside its recognizer as NAME.neural-lm.tflite, with its words, one a line, in NAME.neural-lm.txt: the
first two lines stand for the end of a sentence and for words that are not in the list.
`python -m training.neural_lm` trains one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.errors import BundleError
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.signature import signature_runner
from kws.recognition.tokens import LogProbs

END, UNKNOWN = 0, 1
SPECIAL = ("</s>", "<unk>")
"""The first lines of the list of words."""
WRITABLE = 70_000
"""Words of free text; those that are not in the list share what the network gives to any such word."""
WEIGHT = 0.3
"""By which its nats are multiplied, unless the recognizer's card says otherwise."""


class NeuralLanguageModel:
    """A Rescorer that knows nothing of what was heard.

    The network's input is `texts`, int32 (texts, length), END before and after each; its output is `score`,
    float32 (texts,), ln p of each sentence with its end.

    Args:
        path: of the network; its words lie beside it.
        weight: by which its nats are multiplied.

    Raises:
        BundleError: the files are not such a model.
    """

    def __init__(self, path: Path, weight: float = WEIGHT) -> None:
        self.weight = weight
        self._words = _words(path.with_suffix(".txt"))
        self._rare = math.log(max(1, WRITABLE - len(self._words)))
        self._runner = signature_runner(path)
        about = self._runner.get_input_details().get("texts")
        if about is None:
            raise BundleError(f"{path}: has no input called texts; train it again")
        self.most_texts, self.longest = (int(n) for n in about["shape"])

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        """Weighted nats of each text."""
        return [self.weight * nats for nats in self.log_probs(texts)]

    def log_probs(self, texts: Sequence[str]) -> list[float]:
        """ln p of each; of longer texts than it can read, as much as it can."""
        found: list[float] = []
        for first in range(0, len(texts), self.most_texts):
            some = texts[first : first + self.most_texts]
            rows = numbered(some, self._words, self.most_texts, self.longest)
            unknown = (rows[: len(some)] == UNKNOWN).sum(axis=1)
            found += (self._runner(texts=rows)["score"][: len(some)] - self._rare * unknown).tolist()
        return found


def numbered(texts: Sequence[str], words: dict[str, int], rows: int, length: int) -> npt.NDArray[np.int32]:
    """Words as numbers, (rows, length): END, the words, and nothing but END."""
    made = np.full((rows, length), END, np.int32)
    for row, text in enumerate(texts):
        numbers = [words.get(word, UNKNOWN) for word in text.split()][: length - 2]
        made[row, 1 : 1 + len(numbers)] = numbers
    return made


def neural_lm_path(bundle: RecognizerBundle) -> Path:
    """Where the one that goes with a recognizer lies, if it has any."""
    return bundle.manifest_path.with_suffix(".neural-lm.tflite")


def neural_lm_of(bundle: RecognizerBundle) -> NeuralLanguageModel:
    """The one that lies beside a recognizer; raises BundleError where there is none."""
    path = neural_lm_path(bundle)
    if not path.is_file():
        raise BundleError(
            f"{bundle.name}: has no neural language model; "
            f"train one with python -m training.neural_lm {bundle.name}, or leave it out"
        )
    weight = bundle.card.get("neural_lm", {}).get("weight", WEIGHT)
    return NeuralLanguageModel(path, float(weight))


def _words(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: cannot be read ({error}); train the language model again") from error
    if tuple(lines[:2]) != SPECIAL:
        raise BundleError(f"{path}: begins with {lines[:2]}, expected {list(SPECIAL)}; train it again")
    return {word: number for number, word in enumerate(lines) if word}

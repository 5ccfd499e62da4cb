"""The second pass: a network with attention reads how well each text fits all that was heard.

It writes characters one after the other, each knowing those before it and attending to the whole utterance
(Chan et al. 2016, "Listen, attend and spell"). What it hears are the first pass's log-probabilities, so it
needs nothing of the acoustic model but its outputs, and costs nothing until a command has ended.

The network lies beside its recognizer as NAME.second-pass.tflite; the card's `second_pass` says for which
acoustic model, and with what weight. `python -m training.second_pass` trains one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.errors import BundleError
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.signature import signature_runner
from kws.recognition.tokens import CHARACTERS, LogProbs

END = 0
"""Written before the first character and after the last; the blank's column, which is never written."""
UNWRITABLE = -1e3
"""Nats for a text with other characters."""
_WRITABLE = frozenset(CHARACTERS.symbols)

Values = npt.NDArray[np.float32]


class SecondPass:
    """A Rescorer by a network in the TFLite format.

    Its inputs are `heard`, float32 (1, steps, tokens); `count`, int32 (1,), how many of the steps count;
    `texts`, int32 (texts, length), END before and after each. Its outputs are `score`, float32 (texts,), nats
    of each text, and `attention`, float32 (texts, length - 1, places), what each character looks at.

    Args:
        path: of the network.
        weight: by which its nats are multiplied.

    Raises:
        BundleError: the file is not such a network.
    """

    def __init__(self, path: Path, weight: float = 1.0) -> None:
        self.weight = weight
        self._runner = signature_runner(path)
        shapes = {name: tuple(about["shape"]) for name, about in self._runner.get_input_details().items()}
        if set(shapes) != {"heard", "count", "texts"}:
            raise BundleError(f"{path}: inputs are {sorted(shapes)}, expected count, heard and texts")
        _, self.most_steps, self.tokens = (int(n) for n in shapes["heard"])
        self.most_texts, self.longest = (int(n) for n in shapes["texts"])

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        """Weighted nats; all 0 where the utterance, or one of the texts, is longer than it can read."""
        if len(heard) > self.most_steps or any(len(text) + 2 > self.longest for text in texts):
            return [0.0] * len(texts)
        found: list[float] = []
        for first in range(0, len(texts), self.most_texts):
            some = texts[first : first + self.most_texts]
            score, _ = self._read(heard, some)
            found += [
                self.weight * float(nats) if _WRITABLE.issuperset(text) else UNWRITABLE
                for nats, text in zip(score, some, strict=False)
            ]
        return found

    def attention(self, heard: LogProbs, text: str) -> Values:
        """What each character of a text, and its end, attends to: (characters + 1, places), rows sum to 1."""
        _, weights = self._read(heard[: self.most_steps], [text])
        return weights[0, : len(text) + 1]

    def _read(self, heard: LogProbs, texts: Sequence[str]) -> tuple[Values, Values]:
        frames = np.zeros((1, self.most_steps, self.tokens), np.float32)
        frames[0, : len(heard)] = heard
        read = self._runner(
            heard=frames,
            count=np.array([len(heard)], np.int32),
            texts=written(texts, self.most_texts, self.longest),
        )
        return read["score"], read["attention"]


def written(texts: Sequence[str], rows: int, length: int) -> npt.NDArray[np.int32]:
    """Texts as columns of the character set, (rows, length): END, the characters, END and nothing but END."""
    made = np.full((rows, length), END, np.int32)
    for row, text in enumerate(texts):
        columns = [CHARACTERS.index.get(character, END) for character in text][: length - 2]
        made[row, 1 : 1 + len(columns)] = columns
    return made


def second_pass_of(bundle: RecognizerBundle) -> SecondPass:
    """The one that lies beside a recognizer; raises BundleError where there is none that fits it."""
    path = bundle.manifest_path.with_suffix(".second-pass.tflite")
    known = bundle.card.get("second_pass", {})
    remedy = f"train one with python -m training.second_pass train {bundle.name}, or leave it out"
    if not path.is_file() or not known:
        raise BundleError(f"{bundle.name}: has no second pass; {remedy}")
    if known.get("recognizer_sha256") != bundle.model_sha256:
        raise BundleError(f"{path}: is the second pass of another acoustic model; {remedy}")
    return SecondPass(path, float(known.get("weight", 1.0)))

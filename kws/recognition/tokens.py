"""What a recognizer writes down, step by step: phones or characters, and the blank between them.

The contract between the acoustic stage and everything behind it:

* A token set is a `Tokens`; index 0 is the blank of CTC (Graves et al. 2006, "Connectionist temporal
  classification: labelling unsegmented sequence data with recurrent neural networks").
* The acoustic stage gives `LogProbs`, one row for each of its steps. A step is a whole number of
  front-end rows of 10 ms, 30 or 40 ms in all; decoders are told its length in seconds.
* A model may have both token sets side by side; the stage then yields one of them, chosen by `kind`, or that
  one's columns and after them the other's; decoders search the first.
* The stage's `flush` gives the steps that its look-ahead held back: what was said up to the last sample must
  have had its chance to be written down, as a clip may end with its word.
* Each row is normalized over its token set: the probabilities in it sum to 1.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

LogProbs = npt.NDArray[np.float32]
"""Natural logarithms of token probabilities, shape (steps, tokens)."""

BLANK = 0
"""Index of the blank in every token set."""
SPACE = " "

Kind = Literal["phones", "characters"]


@dataclass(frozen=True)
class Tokens:
    """One token set."""

    kind: Kind
    symbols: tuple[str, ...]
    """The blank, written "", then one symbol per output."""

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def index(self) -> dict[str, int]:
        """Symbol -> its column."""
        return {symbol: column for column, symbol in enumerate(self.symbols)}

    def encode(self, symbols: tuple[str, ...] | str) -> tuple[int, ...]:
        """Columns of the symbols; KeyError for one that is not in the set."""
        return tuple(self.index[symbol] for symbol in symbols)

    def decode(self, columns: tuple[int, ...]) -> str:
        """The symbols as text: phones apart by spaces, characters joined."""
        return (SPACE if self.kind == "phones" else "").join(self.symbols[column] for column in columns)


PHONES = Tokens(
    "phones",
    (
        "",
        "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH",
        "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V",
        "W", "Y", "Z", "ZH",
    ),
)  # fmt: skip
"""ARPAbet's 39 phones without stress, in alphabetical order."""

CHARACTERS = Tokens("characters", ("", SPACE, "'", *string.ascii_lowercase))

"""N-gram language models in the ARPA format, as KenLM, SRILM and PocketSphinx write and read it.

p(w | h) is the n-gram's own where the model has it, otherwise the backoff weight of h times p(w | h
without its first word) (Katz 1987). Numbers in the file are logarithms to the base 10, here natural ones.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from kws.errors import LanguageModelError

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
LN10 = math.log(10)
KENLM_BINARY = b"mmap lm http://kheafield.com/code"

History = tuple[str, ...]


class LanguageModel(Protocol):
    """What a beam asks of a language model."""

    def start(self) -> History:
        """Before the first word."""

    def score(self, history: History, word: str, /) -> tuple[History, float]:
        """The history with the word added, and ln p of the word."""

    def end(self, history: History, /) -> float:
        """ln p that the sentence ends here."""


class ArpaModel:
    """A LanguageModel read from a file."""

    def __init__(
        self,
        order: int,
        log_prob: dict[tuple[str, ...], float],
        backoff: dict[tuple[str, ...], float],
        unknown: float = -20.0,
    ) -> None:
        self.order = order
        self._log_prob, self._backoff = log_prob, backoff
        self._unknown = log_prob.get((UNKNOWN,), unknown)

    @property
    def words(self) -> list[str]:
        """All it knows."""
        return [gram[0] for gram in self._log_prob if len(gram) == 1]

    def in_small_letters(self) -> ArpaModel:
        """The same model of the words in small letters."""
        return ArpaModel(self.order, _lowered(self._log_prob), _lowered(self._backoff), self._unknown)

    def start(self) -> History:
        """The mark of a sentence's beginning."""
        return (BEGIN,)

    def score(self, history: History, word: str) -> tuple[History, float]:
        """A word that the model does not know counts as <unk>, or as rarer than any."""
        return self._kept((*history, word)), self.log_prob(history, word)

    def end(self, history: History) -> float:
        """Of the mark of a sentence's end."""
        return self.log_prob(history, END)

    def log_prob(self, history: History, word: str) -> float:
        """ln p(word | history)."""
        history = history[len(history) + 1 - self.order :] if self.order > 1 else ()
        total = 0.0
        while True:
            found = self._log_prob.get((*history, word))
            if found is not None:
                return total + found
            if not history:
                return total + self._unknown
            total += self._backoff.get(history, 0.0)
            history = history[1:]

    def _kept(self, history: History) -> History:
        """As much of a history as can still matter, so that equal futures compare equal."""
        history = history[max(0, len(history) + 1 - self.order) :]
        while history and history not in self._backoff:
            history = history[1:]
        return history


def read_arpa(path: str | Path, orders: int | None = None) -> ArpaModel:
    """Read .arpa or .arpa.gz; with `orders` no n-grams longer than that.

    A model in capitals throughout is read in small letters, as everything else is written.

    Raises:
        LanguageModelError: naming the file, the line and what was expected there.
    """
    model = _Reader(str(path)).read(orders)
    words = [word for word in model.words if not word.startswith("<")]
    if not words:
        raise LanguageModelError(f"{path}: has no words; give a model of the language to write")
    return model.in_small_letters() if all(map(str.isupper, filter(str.isalpha, words))) else model


def _lowered(table: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {tuple(map(str.lower, gram)): value for gram, value in table.items()}


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._line = 0

    def read(self, orders: int | None) -> ArpaModel:
        """The whole file, or as far as those orders."""
        lines = self._lines()
        counts = self._counts(lines)
        log_prob: dict[tuple[str, ...], float] = {}
        backoff: dict[tuple[str, ...], float] = {}
        for order, count in enumerate(counts, 1):
            for number in range(count):
                line = next(lines, "\\end\\")
                if line.startswith("\\"):
                    raise self._expected(
                        f"{count} n-grams of order {order}, of which {number} are there", line
                    )
                self._add(line, order, log_prob, backoff)
            if order == orders:
                return ArpaModel(order, log_prob, backoff)
            heading = next(lines, "the end of the file")
            wanted = f"\\{order + 1}-grams:" if order < len(counts) else "\\end\\"
            if heading != wanted:
                raise self._expected(wanted, heading)
        return ArpaModel(len(counts), log_prob, backoff)

    def _counts(self, lines: Iterator[str]) -> list[int]:
        """From \\data\\ to the heading of the first n-grams."""
        for line in lines:
            if line == "\\data\\":
                break
        else:
            raise self._expected("\\data\\", "the end of the file")
        counts: list[int] = []
        for line in lines:
            if line == "\\1-grams:" and counts:
                return counts
            order, is_count, count = line.removeprefix("ngram ").partition("=")
            if not is_count or order.strip() != str(len(counts) + 1) or not count.strip().isdecimal():
                raise self._expected(f"'ngram {len(counts) + 1}=' and how many", line)
            counts.append(int(count))
        raise self._expected("\\1-grams:", "the end of the file")

    def _add(
        self,
        line: str,
        order: int,
        log_prob: dict[tuple[str, ...], float],
        backoff: dict[tuple[str, ...], float],
    ) -> None:
        parts = line.split()
        try:
            value = float(parts[0]) * LN10
            weight = float(parts[order + 1]) * LN10 if len(parts) == order + 2 else None
        except ValueError:
            raise self._expected("a number", line) from None
        if math.isnan(value) or (weight is not None and math.isnan(weight)):
            raise self._expected("a number", line)
        if not order + 1 <= len(parts) <= order + 2:
            raise self._expected(f"a logarithm, {order} words and perhaps a backoff weight", line)
        gram = tuple(parts[1 : order + 1])
        log_prob[gram] = value
        if weight is not None:
            backoff[gram] = weight
        if order > 1:
            backoff.setdefault(gram[:-1], 0.0)  # some models leave it out, and say so that nothing is lost

    def _lines(self) -> Iterator[str]:
        """Lines that are not empty, with their numbers kept for messages."""
        try:
            with self._opened() as file:
                for self._line, line in enumerate(file, 1):
                    if line.strip():
                        yield line.strip()
        except (OSError, EOFError) as error:
            raise LanguageModelError(f"{self._path}: cannot be read ({error}); give an ARPA file") from error
        except UnicodeDecodeError as error:
            raise LanguageModelError(f"{self._path}: not UTF-8 text; convert it") from error

    def _opened(self) -> TextIO:
        """By what is in the file, whatever its name."""
        with open(self._path, "rb") as file:
            begins = file.read(len(KENLM_BINARY))
        if begins == KENLM_BINARY:
            raise LanguageModelError(
                f"{self._path}: is a binary file of KenLM; give the ARPA file that it was made of"
            )
        if begins.startswith(b"\x1f\x8b"):
            return gzip.open(self._path, "rt", encoding="utf-8")
        return open(self._path, encoding="utf-8-sig")

    def _expected(self, what: str, found: str) -> LanguageModelError:
        return LanguageModelError(f"{self._path}:{max(1, self._line)}: expected {what}, found {found!r}")

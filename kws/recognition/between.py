"""A language model for words between others that are known."""

from __future__ import annotations

from collections.abc import Sequence

from kws.recognition.ngram import History, LanguageModel


class Between:
    """A LanguageModel whose texts begin behind some words of another's, and end before others.

    Args:
        model: the other.
        before: words of the same sentence; none: it begins here.
        after: likewise; none: it ends here.
    """

    def __init__(self, model: LanguageModel, before: Sequence[str], after: Sequence[str]) -> None:
        self._model, self._after = model, tuple(after)
        self._start = model.start()
        for word in before:
            self._start, _ = model.score(self._start, word)

    def start(self) -> History:
        """Behind the words before."""
        return self._start

    def score(self, history: History, word: str) -> tuple[History, float]:
        """As the other model has it."""
        return self._model.score(history, word)

    def end(self, history: History) -> float:
        """ln p of the words after, or of the sentence's end."""
        total = 0.0
        for word in self._after:
            history, log_prob = self._model.score(history, word)
            total += log_prob
        return total if self._after else self._model.end(history)

"""Transcripts against what was said: error rates, the most frequent mistakes, and whose fault each one is.

Alignment and word error rate come from the package jiwer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

import jiwer

from kws.evaluation.intervals import ratio_interval


@dataclass(frozen=True)
class Mistakes:
    """Word errors over many utterances."""

    words: int
    """In the references."""
    substitutions: Counter[tuple[str, str]]
    """(said, written) -> how often."""
    deletions: Counter[str]
    """Said and not written."""
    insertions: Counter[str]
    """Written and not said."""

    @property
    def errors(self) -> int:
        """All of them."""
        return self.substitutions.total() + self.deletions.total() + self.insertions.total()

    @property
    def rate(self) -> float:
        """Word error rate, 0 to more than 1."""
        return self.errors / self.words if self.words else 0.0

    def table(self, most: int = 10) -> str:
        """The most frequent of each kind, one a line."""
        lines = [
            f"{count:5} {said} -> {written}"
            for (said, written), count in self.substitutions.most_common(most)
        ]
        lines += [f"{count:5} {word} -> (nothing)" for word, count in self.deletions.most_common(most)]
        lines += [f"{count:5} (nothing) -> {word}" for word, count in self.insertions.most_common(most)]
        return "\n".join(lines)


def mistakes(references: Sequence[str], transcripts: Sequence[str]) -> Mistakes:
    """Count the errors of transcripts; references must have at least one word each."""
    aligned = jiwer.process_words(list(references), list(transcripts))
    found = Mistakes(sum(len(words) for words in aligned.references), Counter(), Counter(), Counter())
    for said, written, chunks in zip(aligned.references, aligned.hypotheses, aligned.alignments, strict=True):
        for chunk in chunks:
            here = said[chunk.ref_start_idx : chunk.ref_end_idx]
            there = written[chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "substitute":
                found.substitutions.update(zip(here, there, strict=True))
            elif chunk.type == "delete":
                found.deletions.update(here)
            elif chunk.type == "insert":
                found.insertions.update(there)
    return found


def right_words(reference: str, transcript: str) -> list[bool]:
    """Of each word of a transcript, whether it was said; the reference must have at least one word."""
    aligned = jiwer.process_words(reference, transcript)
    right = [False] * len(aligned.hypotheses[0])
    for chunk in aligned.alignments[0]:
        if chunk.type == "equal":
            right[chunk.hyp_start_idx : chunk.hyp_end_idx] = [True] * (
                chunk.hyp_end_idx - chunk.hyp_start_idx
            )
    return right


@dataclass(frozen=True)
class WordErrors:
    """A word error rate with its interval.

    Errors of one speaker hang together, so it is groups of utterances that are resampled, with their errors
    and words (Bisani and Ney 2004).
    """

    groups: str
    """What each is, in the plural: speakers, clips."""
    errors: tuple[int, ...]
    """Of each group."""
    words: tuple[int, ...]
    """Said in each group."""

    @property
    def value(self) -> float:
        """Word error rate of all together, 0 to more than 1; nan without any words."""
        return sum(self.errors) / sum(self.words) if sum(self.words) else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Percentile bootstrap over the groups at 95 %; the same at every call; nan without any groups."""
        if not sum(self.words):
            return math.nan, math.nan
        return ratio_interval(self.errors, self.words)

    @property
    def percent(self) -> str:
        """As in "52.1 (49.0 to 55.3)"."""
        low, high = self.interval
        return f"{100 * self.value:.1f} ({100 * low:.1f} to {100 * high:.1f})"

    def __str__(self) -> str:
        """As in "52.1 % (49.0 to 55.3), 521 of 1000 words, 20 speakers"."""
        value, interval = self.percent.split(" ", 1)
        counts = f"{sum(self.errors)} of {sum(self.words)} words, {len(self.words)} {self.groups}"
        return f"{value} % {interval}, {counts}"

    def fewer_than(self, other: WordErrors) -> WordErrors:
        """How many errors fewer than another made of the same, group by group; negative where there are more.

        Raises:
            ValueError: it is not the same that was said.
        """
        if self.words != other.words:
            raise ValueError(f"words of {len(self.words)} and {len(other.words)} {self.groups} differ")
        fewer = tuple(theirs - ours for ours, theirs in zip(self.errors, other.errors, strict=True))
        return WordErrors(self.groups, fewer, self.words)


def grouped_errors(
    groups: str, belonging: Sequence[str], references: Sequence[str], transcripts: Sequence[str]
) -> WordErrors:
    """The errors of transcripts, in the groups that the utterances belong to, in order of first appearance.

    `groups` is what they are, in the plural; references must have at least one word each.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(belonging):
        members.setdefault(group, []).append(index)
    found = [
        mistakes([references[i] for i in one], [transcripts[i] for i in one]) for one in members.values()
    ]
    return WordErrors(groups, tuple(one.errors for one in found), tuple(one.words for one in found))


@dataclass(frozen=True)
class Scored:
    """What search and model made of one utterance; scores as the search ranks them, in nats."""

    reference: str
    transcript: str
    reference_score: float
    """Minus infinity where the search could never have written it: its lexicon lacks a word."""
    transcript_score: float
    rejected: bool = False
    """Whether the transcript was found, and held to be something else that is not in the grammar."""
    unheard: bool = False
    """Whether there is none, as all was taken for silence."""
    cut: bool = False
    """Whether it is several, by a grammar that means one sentence at a time."""


@dataclass(frozen=True)
class Blame:
    """Whose fault the wrong transcripts are (Ng 2018, "Machine learning yearning", chapter 44)."""

    search: int
    """The reference scores higher than what was returned, and yet was not found: widen the beam."""
    model: int
    """What was returned scores at least as high as the reference: better models."""
    lexicon: int
    """The reference cannot be written at all: a word is not known, or it is not in the grammar."""
    right: int
    threshold: int = 0
    """The reference was found, and not held to be sure enough."""
    silence: int = 0
    """Nothing was heard, so that nothing was searched."""
    pause: int = 0
    """A pause within the sentence was taken for its end."""

    @property
    def wrong(self) -> int:
        """All of them."""
        return self.search + self.model + self.lexicon + self.threshold + self.silence + self.pause

    def table(self) -> str:
        """Each with its share of the wrong ones."""
        faults = ("search", "model", "lexicon", "threshold", "silence", "pause")
        shares = {name: getattr(self, name) for name in faults if name in faults[:3] or getattr(self, name)}
        lines = [
            f"{name:10}{count:6} {100 * count / max(1, self.wrong):6.1f} %" for name, count in shares.items()
        ]
        return "\n".join([f"{self.wrong} of {self.wrong + self.right} transcripts are wrong", *lines])


def blame(utterances: Sequence[Scored]) -> Blame:
    """Count whose fault the wrong transcripts are."""
    counts = Counter(_fault(utterance) for utterance in utterances)
    return Blame(**{fault.name: counts[fault.name] for fault in fields(Blame)})


def _fault(utterance: Scored) -> str:
    if utterance.reference == utterance.transcript:
        return "threshold" if utterance.rejected else "right"
    if utterance.unheard or utterance.cut:
        return "silence" if utterance.unheard else "pause"
    if utterance.reference_score == float("-inf"):
        return "lexicon"
    return "search" if utterance.reference_score > utterance.transcript_score else "model"

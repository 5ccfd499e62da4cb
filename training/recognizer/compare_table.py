"""What trials of the recognizer's training were measured at, as tables of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kws.evaluation.transcripts import WordErrors

Counted = Mapping[str, Sequence[Sequence[int]]]
"""Dev set -> errors of each speaker, and how many tokens each says."""


@dataclass(frozen=True)
class Trained:
    """One trial after its training. Errors are of greedy readings, speaker by speaker."""

    trial: str
    seed: int
    weights: int
    """That have learned."""
    loss: float
    """Of the last pass, per label."""
    cpu_seconds: float
    """Of the training."""
    size: int
    """Bytes of the int8 graph; 0 where the network cannot stream."""
    phones: Counted
    """Of the float network, averaged weights."""
    words: Counted
    """The same, by the characters."""
    int8_phones: Counted
    """Of the int8 graph; empty where the network cannot stream."""


def tables(found: Sequence[Trained], usual: str) -> str:
    """Phones wrong; int8 and words; how many phones fewer than the usual trial of the same seed."""
    sets = list(found[0].phones)
    phones = [f"{name}, phones" for name in sets]
    int8 = [f"{name}, phones, int8" for name in sets]
    words = [f"{name}, words" for name in sets]
    firsts = {one.seed: one for one in found if one.trial == usual}
    others = [one for one in found if one.trial != usual and one.seed in firsts]
    blocks = [
        [_head("trial", "seed", "weights", "int8", "loss", "CPU min", *phones), *map(_trained_row, found)],
        [_head("trial", "seed", *int8, *words), *map(_reading_row, found)],
        [
            _head(f"fewer wrong than {usual}", "seed", *phones),
            *(_gain_row(one, firsts[one.seed]) for one in others),
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if len(block) > 1)


def _trained_row(one: Trained) -> str:
    size = f"{one.size / 1e6:.2f} MB" if one.size else "cannot stream"
    cells = [f"{one.weights / 1e6:.2f} M", size, f"{one.loss:.2f}", f"{one.cpu_seconds / 60:.0f}"]
    return _row(one.trial, str(one.seed), *cells, *(_errors(pair).percent for pair in one.phones.values()))


def _reading_row(one: Trained) -> str:
    sets = one.words
    int8 = [f"{100 * _errors(one.int8_phones[name]).value:.1f}" if one.int8_phones else "" for name in sets]
    return _row(one.trial, str(one.seed), *int8, *(_errors(pair).percent for pair in sets.values()))


def _gain_row(one: Trained, usual: Trained) -> str:
    gained = []
    for name, pair in one.phones.items():
        gained.append(_errors(pair).fewer_than(_errors(usual.phones[name])).percent)
    return _row(one.trial, str(one.seed), *gained)


def _errors(counted: Sequence[Sequence[int]]) -> WordErrors:
    errors, tokens = counted
    return WordErrors("speakers", tuple(errors), tuple(tokens))


def _head(*cells: str) -> str:
    return f"{_row(*cells)}\n{'|---' * len(cells)}|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

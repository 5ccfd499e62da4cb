"""docs/ladder.md from the counts in docs/figures/ladder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.ladder.climb import COMMAND, CONDITIONS, PER_HOUR, Climbed
from training.ladder.rungs import ARCHITECTURES, LADDER, Rung

_HEAD = """# What each ingredient of the training buys

Made by `python -m training.ladder --page` from the counts in `docs/figures/ladder`; edit neither by hand.
Every row is one training of the word from one seed, measured as in [accuracy](accuracy.md) on the `dev`
recordings: words missed, with 95 % intervals, at the lowest threshold with at most so many false alarms an
hour of speech. Those thresholds are chosen on the same recordings. To add a row:
`python -m training.ladder WORD --rung NAME`, with the recordings at `KWS_DATA`. False alarms are those at
that threshold, an hour, with exact 95 % Poisson intervals. Minutes are those of the training, of the CPU and
by the clock beside whatever else the machine did; speech that a cache held already is not in them.

"Amid talk" are the same words ten seconds apart, other speech and noise between them, as they are said at
work; rows made before that was measured lack it. Where it is far worse than "clean", the network waits for a
word where one was.

A row is the model that listens, alone. What second stages buy, the cascade, stands in
[experiments/second-stage.md](experiments/second-stage.md), and with heads on both encoders, as `kws train`
leaves them, in
[experiments/embedding-heads.md](experiments/embedding-heads.md#two-encoders-and-the-spelling-together). A
training on another machine, with other synthesizers at hand, may miss a few words more or fewer.
"""

_COLUMNS = (
    *(f"{what} at {rate}/h" for rate in PER_HOUR for what in (*CONDITIONS, "false alarms")),
    *("size, kB", "CPU min", "min by the clock", "measured"),
)


def page(found: Sequence[Climbed]) -> str:
    """The whole document."""
    parts = [_HEAD]
    for word in sorted({one.word for one in found}):
        of_word = {one.rung: one for one in found if one.word == word}
        parts.append("\n".join(_section(f"## {word}", LADDER, of_word)))
        parts.append("\n".join(_section(f"### {word}: architectures for devices", ARCHITECTURES, of_word)))
    return "\n".join(parts)


def _section(title: str, rungs: Sequence[Rung], of_word: dict[str, Climbed]) -> Iterator[str]:
    words = {f"{one.words} words, {one.hours:.2f} h of speech" for one in of_word.values()}
    yield f"{title}\n\n{'; '.join(sorted(words))}.\n"
    yield f"| `--rung` | trained on | {' | '.join(_COLUMNS)} |"
    yield f"|---|---|{'---|' * len(_COLUMNS)}"
    for rung in rungs:
        yield _row(rung, of_word.get(rung.name))
    others = [one for rung in rungs if (one := of_word.get(rung.name)) and _is_typed(one)]
    if others:
        made = "; ".join(f"{one.rung} by `{one.command}`" for one in others)
        yield f"\nNot made by the command above, minutes taken from a log: {made}."
    yield ""


def _is_typed(one: Climbed) -> bool:
    return not one.command.startswith(COMMAND)


def _row(rung: Rung, one: Climbed | None) -> str:
    if one is None:
        cells = ["not measured"] + [""] * (len(_COLUMNS) - 1)
    else:
        cells = [cell for rate in PER_HOUR for cell in _at(one, rate)]
        cells += [f"{number:.0f}" for number in (one.bytes / 1000, one.cpu_minutes, one.minutes)] + [one.date]
    return f"| {rung.name} | {rung.title} | {' | '.join(cells)} |"


def _at(one: Climbed, rate: str) -> Iterator[str]:
    """What is missed in each condition at so many false alarms an hour, and how many there were."""
    for condition in CONDITIONS:
        yield str(one.missed(rate, condition) or "not measured")
    yield str(one.alarms(rate))

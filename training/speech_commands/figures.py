"""What came of a network, as counts, and the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kws.evaluation import Proportion
from training.speech_commands.task import CLASSES, SILENCE, UNKNOWN, WORDS


@dataclass(frozen=True)
class Figures:
    """Of one network."""

    name: str
    weights: int
    is_whole: bool
    """Whether it learned and was tested by the official lists, or on a part of the data."""
    learned: dict[str, int]
    """Clips by class; of silence, pieces of noise."""
    answers: dict[str, dict[str, int]]
    """Class -> what it was taken for -> how often."""
    epochs: int
    cpu_minutes: float
    minutes: float
    """By the clock."""
    command: str
    date: str

    def right(self, classes: Iterable[str] = CLASSES) -> Proportion:
        """Of all tested clips of these classes."""
        rows = {name: self.answers.get(name, {}) for name in classes}
        total = sum(sum(row.values()) for row in rows.values())
        return Proportion(sum(row.get(name, 0) for name, row in rows.items()), total)


TITLES = {
    "gru": "GRU",
    "crnn": "CRNN",
    "dscnn": "DS-CNN, causal and dilated",
    "bcresnet": "BC-ResNet, causal",
}
"""Recipe -> what it makes."""

_HEAD = """# The Speech Commands task

Ten words, "unknown" for every other word, "silence": the 12-class form. Made by
`python -m training.speech_commands --page` from the counts in `docs/figures/speech-commands`; edit neither by
hand. Float networks that hear each clip from a fresh start, as everybody tests this task; shares come with
exact 95 % intervals. The recipes are in `training/recipes/speech_commands`.

The figure that can be compared with others' needs the whole data set (2.4 GB) and its test list:

```console
kws download speech-commands -d data/
kws data speech-commands data/speech-commands -o data/gsc.tsv
python -m training.speech_commands --manifest data/gsc.tsv --most 4000 --epochs 600
```

The recipes by themselves are for a part of it, learned from in minutes, and would leave clips of the whole
out. Nobody has run this here.
"""

_PART = """## On a part of the data

Nothing below can be compared with published figures. Learned from the parts of it among the recordings
(`gsc-*`), tested on {tested} clips of the official test set by speakers who are in no other part. Over half
of the other words to learn from say bed, cat or happy, and few come from the test set's own collection; that
may be why "unknown" is heard so badly. Rows that learned from other clips, or for other epochs, do not
compare networks. The commands, which say where fewer epochs or clips than the recipe's were learned:
{commands}.
"""

_WHOLE = """## By the official test list

Tested on {tested} clips: {commands}.
"""


def page(found: Sequence[Figures]) -> str:
    """The whole document."""
    parts = [_HEAD]
    for is_whole, head in ((True, _WHOLE), (False, _PART)):
        chosen = {one.name: one for one in found if one.is_whole is is_whole}
        if chosen:
            parts.append(f"{_numbers(head, list(chosen.values()))}\n{_table(chosen)}")
    if not any(one.is_whole for one in found):
        parts.append("By the official test list: not measured, the whole data set is not here.\n")
    return "\n".join(parts)


def _numbers(head: str, found: Sequence[Figures]) -> str:
    tested = dict.fromkeys(str(one.right().total) for one in found)
    return head.format(tested=" or ".join(tested), commands="; ".join(f"`{each.command}`" for each in found))


def _table(found: dict[str, Figures]) -> str:
    lines = [
        "| recipe | | weights | right | the ten words | unknown | silence | learned from | epochs | CPU min "
        "| measured |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, title in TITLES.items():
        one = found.get(name)
        cells = ["", "not measured", *[""] * 7] if one is None else _cells(one)
        lines.append(f"| {name} | {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cells(one: Figures) -> list[str]:
    shares = [str(one.right(of)) for of in (CLASSES, WORDS, (UNKNOWN,), (SILENCE,))]
    return [f"{one.weights:,}", *shares, _learned(one), str(one.epochs), f"{one.cpu_minutes:.1f}", one.date]


def _learned(one: Figures) -> str:
    """Clips, and how unevenly the ten words share in them."""
    a_word = [one.learned.get(word, 0) for word in WORDS]
    clips = sum(count for name, count in one.learned.items() if name != SILENCE)
    noise = one.learned.get(SILENCE, 0)
    return f"{clips} clips, {min(a_word)} to {max(a_word)} a word; {noise} of noise"

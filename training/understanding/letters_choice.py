"""How much letters beside phones should have a say in which sentence of a grammar was said.

python -m training.understanding.letters_choice english [--most 200]

Every setting of GRID picks one of each clip's best sentences by phones. A speaker's clips are then judged by
the setting with which all other speakers, of every set, fare best (the sum of the sets' error rates).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from kws.evaluation.transcripts import mistakes
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confidence import said_tokens
from kws.recognition.ctc import log_probability
from kws.recognition.grammar_decoder import GrammarDecoder, meaning
from kws.recognition.graph_beam import Path as GraphPath
from kws.recognition.priors import decoding_of
from kws.recognition.tokens import CHARACTERS, PHONES
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.dev_speech import Heard, dev_sets, drawn, graph_of, hear, said, slots

SETS = {"commands": "commands", "digit": "digits", "digits": "digits", "coffee": "coffee"}
"""Dev set -> the grammar among the examples by which it is heard."""


@dataclass(frozen=True)
class Setting:
    """How phones and letters are weighed."""

    weight: float
    """Of a nat of the letters."""
    exponent: float
    """Of the letters' priors."""
    per_token: float
    """Nats for a phone of the sentence."""


GRID = (
    Setting(0.2, 0.0, 0.0),
    *(Setting(0.0, 0.0, nats) for nats in (0.0, 0.5, 1.0, 1.5)),
    *(Setting(0.2, 0.0, nats) for nats in (0.5, 1.0, 1.5)),
    *(Setting(1.0, priors, nats) for priors, nats in product((0.0, 0.4), (0.0, 0.5, 1.0, 1.5, 2.0, 3.0))),
)
"""The first is what was used before."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best sentences by phones of one clip, arrays of (sentences,)."""

    clip: Clip
    phones: npt.NDArray[np.float64]
    letters: Mapping[float, npt.NDArray[np.float64]]
    """By the exponent of their priors."""
    tokens: npt.NDArray[np.float64]
    errors: npt.NDArray[np.int64]
    """(sentences + 1,): wrong words, of an order whether it is another; last what hearing nothing costs."""

    def wrong(self, setting: Setting) -> int:
        """Of the sentence that a setting picks."""
        scores = self.phones + setting.per_token * self.tokens
        if setting.weight:  # 0 times minus infinity would be no number
            scores = scores + setting.weight * self.letters[setting.exponent]
        return int(self.errors[np.argmax(scores) if len(scores) else -1])


def candidates(bundle: RecognizerBundle, name: str, heard: Sequence[Heard]) -> Iterator[Candidates]:
    """Of a dev set."""
    step, known = AcousticModel(bundle, "phones").step_seconds, decoding_of(bundle.card, PHONES)
    decoder = GrammarDecoder(graph_of(SETS[name]), step, priors=known.priors)
    priors = {
        setting.exponent: decoding_of(bundle.card, CHARACTERS, setting.exponent).priors for setting in GRID
    }
    for clip, sound in heard:
        decoder.reset()
        decoder.push(sound)
        paths = [path for path in decoder.paths() if path.text]
        spelled = [CHARACTERS.encode(path.text) for path in paths]
        scaled = {
            exponent: prior.scaled(sound[:, len(PHONES) :]) if exponent else sound[:, len(PHONES) :]
            for exponent, prior in priors.items()
        }
        yield Candidates(
            clip,
            np.array([path.score for path in paths]),
            {
                exponent: np.array([log_probability(log_probs, letters) for letters in spelled])
                for exponent, log_probs in scaled.items()
            },
            np.array([said_tokens(path.words) for path in paths], np.float64),
            np.array([*(_errors(clip, path) for path in paths), _asked_for(clip)], np.int64),
        )


def _errors(clip: Clip, path: GraphPath) -> int:
    if clip.kind == "speech-slots":
        return int(meaning(path)[1] != slots(clip))
    return mistakes([said(clip)], [path.text]).errors


def _asked_for(clip: Clip) -> int:
    return 1 if clip.kind == "speech-slots" else len(said(clip).split())


def report(sets: Mapping[str, Sequence[Candidates]]) -> Iterator[str]:
    """A table of Markdown: errors of each setting, and with each speaker's by the others."""
    found = [one for some in sets.values() for one in some]
    place = np.array([number for number, some in enumerate(sets.values()) for _ in some])
    speakers = np.array([f"{one.clip.corpus}/{one.clip.speaker}" for one in found])
    wrong = np.array([[one.wrong(setting) for one in found] for setting in GRID])
    asked = np.array([sum(int(one.errors[-1]) for one in some) for some in sets.values()])
    cost = wrong / asked[place]  # of each clip, its share in its set's error rate
    chosen = {
        speaker: int(np.argmin(cost[:, speakers != speaker].sum(axis=1))) for speaker in np.unique(speakers)
    }
    by_others = np.array([wrong[chosen[speaker], number] for number, speaker in enumerate(speakers)])
    titles = " | ".join(f"{name}, of {total}" for name, total in zip(sets, asked, strict=True))
    yield f"| weight | exponent | a phone | {titles} |"
    yield f"|{'---|' * (3 + len(sets))}"
    for setting, errors in zip(GRID, wrong, strict=True):
        numbers = f"{setting.weight:g} | {setting.exponent:g} | {setting.per_token:g}"
        yield f"| {numbers} | {_counts(errors, place)} |"
    yield f"| by the other speakers | | | {_counts(by_others, place)} |"
    for number in sorted(set(chosen.values())):
        times = list(chosen.values()).count(number)
        yield f"{GRID[number]}: chosen for {times} of {len(chosen)} speakers"


def _counts(errors: npt.NDArray[np.int64], place: npt.NDArray[np.int64]) -> str:
    return " | ".join(str(errors[place == number].sum()) for number in range(place.max() + 1))


@click.command()
@click.argument("model")
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@recognizer_cache_option
def main(model: str, most: int | None, cache: Path) -> None:
    """Print what each setting gets wrong, and what the speakers choose for each other."""
    bundle = find_recognizer(model)
    sets = dev_sets(read_manifest(recordings_manifest()))
    found = {
        name: list(
            candidates(
                bundle, name, drawn(hear(bundle, sets[name], cache / f"heard-{name}.npz", "characters"), most)
            )
        )
        for name in SETS
    }
    for line in report(found):
        click.echo(line)


if __name__ == "__main__":
    main()

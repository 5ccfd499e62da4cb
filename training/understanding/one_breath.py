"""A wake word and a command in one breath: does the whole command reach the recognizer, is it understood?

python -m training.understanding.one_breath [--count 200] [--gap 0]

Synthetic voices say a bundled wake word, and a command that follows it without a pause. The session hears
the two, and a recognizer hears the same command alone after half a second of silence, so that the acoustic
model's own mistakes are told apart from words that the session has lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import jiwer
import numpy as np

from kws.bundle import bundled_names, find_bundle
from kws.evaluation.intervals import Proportion
from kws.events import Detection, Transcript
from kws.frontends import MICRO, new_front_end, row_timing
from kws.loading import Wanted, wake_words
from kws.recognition.build import COMMAND, build_recognizer
from kws.recognition.recognizer import Recognizer
from kws.session import KEPT_SECONDS, Dictation, Session
from kws.types import SAMPLE_RATE, Block, Rows, Samples
from training.synth import available_voices
from training.understanding.breaths import BACKENDS, Breath, breaths

GRAMMAR = Path(__file__).parents[2] / "examples" / "grammars" / "home.yaml"

_BLOCK = 1024


@dataclass(frozen=True)
class Outcome:
    """What became of one combination."""

    text: str
    woke: bool
    whole: bool
    """Every row with a sample of the command, and half a second from before the detection, was heard."""
    late: float
    """Seconds from the wake word's end to its detection."""
    together: str
    """What was understood after the wake word."""
    alone: str
    """And of the command by itself."""

    @property
    def lost(self) -> bool:
        """Whether the first word is there in the command by itself, and after the wake word is not."""
        return not _drops_first(self.alone, self.text) and _drops_first(self.together, self.text)

    @property
    def won(self) -> bool:
        """The reverse."""
        return _drops_first(self.alone, self.text) and not _drops_first(self.together, self.text)


class RowsHeard:
    """Stands before a recognizer and keeps the rows that it has heard, command by command."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._push, self._reset = recognizer.push, recognizer.reset
        self._commands: list[list[Rows]] = []
        recognizer.push, recognizer.reset = self.push, self.reset  # type: ignore[method-assign]

    def push(self, rows: Rows):  # type: ignore[no-untyped-def]
        """Keep them, and hand them on."""
        self._commands[-1].append(rows.copy())
        return self._push(rows)

    def reset(self) -> None:
        """Opened anew, or closed."""
        self._commands.append([])
        self._reset()

    def clear(self) -> None:
        """Forget all."""
        self._commands = []

    @property
    def commands(self) -> list[Rows]:
        """What was heard each time."""
        return [np.concatenate(parts) for parts in self._commands if parts]


class Trial:
    """Sessions with each wake word, and a recognizer without one, all of the same grammar."""

    def __init__(self, models: Sequence[str], recognizer: str = "english", grammar: Path = GRAMMAR) -> None:
        self._alone = Dictation(build_recognizer(recognizer, grammar=grammar, endpoint=COMMAND))
        self._sessions = {model: _session(model, recognizer, grammar) for model in models}

    def judge(self, breath: Breath, gap: float, rng: np.random.Generator) -> Outcome:
        """Let both hear it."""
        session, heard = self._sessions[breath.model]
        heard.clear()
        samples, start = breath.together(gap, rng)
        detections, transcript = _first_command(session, samples)
        detection = detections[0] if detections else None
        wake_end = (start / SAMPLE_RATE) - gap
        return Outcome(
            text=breath.text,
            woke=detection is not None,
            whole=detection is not None
            and any(
                is_whole(rows, samples, start, detection.end, session.recognizer.front_end)
                for rows in heard.commands
            ),
            late=detection.end - wake_end if detection else 0.0,
            together=transcript,
            alone=_alone(self._alone, breath.alone(rng)),
        )


def is_whole(heard: Rows, samples: Samples, start: int, detected: float, front_end: str = MICRO) -> bool:
    """Whether a recognizer heard, row for row, all that the front end makes of a command.

    Args:
        heard: by the recognizer since it was opened.
        samples: the recording.
        start: first sample of the command.
        detected: moment of the wake word's detection, seconds.
        front_end: the recognizer's, see kws.frontends.
    """
    rows = new_front_end(front_end).push(samples)
    kept = round((detected - KEPT_SECONDS) * SAMPLE_RATE)
    needed = min(start, max(kept, 0)) // row_timing(front_end)[1]
    # The first row heard is found by what it holds, so the session is not asked where it opened.
    for first in range(min(needed, len(rows) - len(heard)), -1, -1):
        if np.array_equal(rows[first : first + len(heard)], heard):
            return len(heard) > 0
    return False


def tried(count: int, gap: float, seed: int, models: Sequence[str] = ()) -> list[Outcome]:
    """Combinations until the wake word was heard in `count` of them."""
    names = list(models) or bundled_names()
    trial, rng = Trial(names), np.random.default_rng([seed, 1])
    voices = [voice for voice in available_voices() if voice.backend in BACKENDS]
    outcomes: list[Outcome] = []
    for breath in breaths(voices, names, seed):
        outcomes.append(trial.judge(breath, gap, rng))
        if sum(outcome.woke for outcome in outcomes) == count:
            break
    return outcomes


def report(outcomes: Sequence[Outcome], gap: float) -> str:
    """The counts, a line each."""
    woke = [outcome for outcome in outcomes if outcome.woke]
    late = np.array([outcome.late for outcome in woke])
    lines = {
        f"wake word heard, command {1000 * gap:.0f} ms after it": _share(o.woke for o in outcomes),
        "all of the command reached the recognizer": _share(o.whole for o in woke),
        "understood word for word alone": _share(o.alone == o.text for o in woke),
        "understood word for word after the wake word": _share(o.together == o.text for o in woke),
        "first word missing alone": _share(_drops_first(o.alone, o.text) for o in woke),
        "first word missing after the wake word": _share(_drops_first(o.together, o.text) for o in woke),
        "first word missing after the wake word alone": _share(o.lost for o in woke),
        "first word missing in the command alone": _share(o.won for o in woke),
    }
    found = [f"{name:50} {value}" for name, value in lines.items()]
    quantiles = ", ".join(f"{1000 * value:.0f}" for value in np.quantile(late, [0, 0.5, 0.95, 1]))
    return "\n".join(
        [*found, f"{'detection after the wake word, ms':50} {quantiles} (least, median, 95 %, most)"]
    )


@click.command()
@click.option("--count", type=click.IntRange(1), default=200, show_default=True, help="Wake words heard.")
@click.option("--gap", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds between.")
@click.option("--seed", default=11, show_default=True)
@click.option("--verbose", is_flag=True, help="Print the commands that were understood differently.")
def main(count: int, gap: float, seed: int, verbose: bool) -> None:
    """Count what is lost of commands that follow the wake word in one breath."""
    outcomes = tried(count, gap, seed)
    click.echo(report(outcomes, gap))
    if verbose:
        for outcome in outcomes:
            if outcome.woke and (outcome.lost or not outcome.whole or outcome.together != outcome.alone):
                click.echo(f"{outcome.text!r}: alone {outcome.alone!r}, together {outcome.together!r}")


def _session(model: str, recognizer: str, grammar: Path) -> tuple[Session, RowsHeard]:
    (wake_word,) = wake_words([Wanted(find_bundle(model))])
    made = build_recognizer(
        recognizer, grammar=grammar, wake_words=[wake_word.bundle.wake_word], endpoint=COMMAND
    )
    return Session([wake_word], made), RowsHeard(made)


def _first_command(session: Session, samples: Samples) -> tuple[list[Detection], str]:
    """The detections before the first transcript, and its text."""
    session.reset()
    detections: list[Detection] = []
    for first in range(0, len(samples), _BLOCK):
        for event in session.push(Block(samples[first : first + _BLOCK])):
            if isinstance(event, Detection):
                detections.append(event)
            elif isinstance(event, Transcript):
                return detections, _best(event)
    return detections, ""


def _alone(dictation: Dictation, samples: Samples) -> str:
    dictation.reset()
    events = [*dictation.push(Block(samples)), *dictation.flush()]
    return next((_best(event) for event in events if isinstance(event, Transcript)), "")


def _best(transcript: Transcript) -> str:
    """The likeliest text, accepted or not: the threshold is another question."""
    return transcript.nbest[0].text if transcript.nbest else ""


def _drops_first(heard: str, said: str) -> bool:
    """Whether nothing stands for the first word, neither the word itself nor another."""
    if not heard:
        return True
    first = jiwer.process_words(said, heard).alignments[0][0]
    return bool(first.type == "delete")


def _share(which: Iterator[bool]) -> Proportion:
    values = list(which)
    return Proportion(sum(values), len(values))


if __name__ == "__main__":
    main()

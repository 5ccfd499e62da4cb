"""Where the recognizer's mistakes on the dev recordings come from, and whether its confidence is true.

python -m training.understanding.error_analysis english [--most 200] [-o docs]

Of every wrong transcript it is asked whether the model holds the right text for likelier than the one that
was returned: then the search has lost it, and otherwise the model is to blame (Ng 2018). What was found and
rejected is the threshold's fault, what cannot be written at all the lexicon's or the grammar's, and of what
was taken for silence nothing was searched. The acoustic model runs once a clip; what it says is kept under
--cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from kws.evaluation.reliability import calibration_error, reliability_plot
from kws.evaluation.speech_trial import Heard as HeardSpeech
from kws.evaluation.speech_trial import SpeechTrial, Spoken, analysed
from kws.events import Guess, Transcript
from kws.recognition.acoustic import AcousticModel
from kws.recognition.build import grammar_score
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.free_text import text_score
from kws.recognition.letters import beside
from kws.recognition.rescorers import rescorer_of
from kws.recognition.tokens import PHONES, LogProbs
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.dev_speech import Heard, dev_sets, drawn, hear, path_of, said
from training.understanding.listener import Listener, free_listener, grammar_listener

SETS: Mapping[str, str | None] = {
    "commands": "commands",
    "digit": "digits",
    "digits": "digits",
    "libri": None,
    "ocean": None,
}
"""Dev set with texts -> the grammar among the examples by which it is heard; None: freely."""
UNSPOKEN: Mapping[str, Sequence[str]] = {"commands": ("others", "silence")}
"""Sets of what a grammar must reject; they count where its confidence is judged."""
MOST_FREQUENT = 5
"""Mistakes of each kind that are listed."""

Score = Callable[[LogProbs, str], float]


@click.command()
@click.argument("model")
@click.option("--task", "tasks", multiple=True, type=click.Choice(list(SETS)), default=list(SETS))
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder for a reliability plot of each set (SVG)."
)
@recognizer_cache_option
def error_analysis(
    model: str, tasks: Sequence[str], most: int | None, output: Path | None, cache: Path
) -> None:
    """Print whose fault the recognizer's mistakes are, the most frequent ones, and how true it is."""
    bundle = find_recognizer(model)
    sets = dev_sets(read_manifest(recordings_manifest()))

    def heard(name: str) -> list[Heard]:
        clips = hear(bundle, sets[name], cache / f"heard-{name}.npz", beside(bundle, "phones"))
        return drawn(clips, most)

    trials: dict[str, SpeechTrial] = {}
    judged: dict[str, SpeechTrial] = {}
    for name in tasks:
        listener, score = _listening(bundle, SETS[name])
        found = list(_heard(listener, heard(name)))
        trials[name] = analysed(found, score)
        unspoken = [one for other in UNSPOKEN.get(name, ()) for one in _heard(listener, heard(other))]
        judged[name] = analysed([*found, *unspoken]) if unspoken else trials[name]
    click.echo(report(trials, judged))
    if output:
        output.mkdir(parents=True, exist_ok=True)
        for name, trial in judged.items():
            (output / f"reliability-{name}.svg").write_text(
                reliability_plot(trial.reliability), encoding="utf-8"
            )


def _listening(bundle: RecognizerBundle, grammar: str | None) -> tuple[Listener, Score | None]:
    """What hears a set, and what its search thinks of a text."""
    step = AcousticModel(bundle, "phones").step_seconds
    if grammar:
        return grammar_listener(grammar, step, bundle), grammar_score(bundle.manifest_path, path_of(grammar))
    free = text_score(bundle.manifest_path, PHONES, None, rescorer_of(bundle, [], free=True))
    return free_listener(bundle, step), lambda log_probs, text: free(log_probs[:, : len(PHONES)], text)


def _heard(listener: Listener, clips: Sequence[Heard]) -> Iterator[HeardSpeech]:
    for clip, log_probs in clips:
        transcripts = listener.transcripts(log_probs)
        judged = [one.in_grammar for one in transcripts if one.in_grammar is not None]
        yield HeardSpeech(
            Spoken(clip.path, said(clip) or "(nothing)"),
            " ".join(one.text for one in transcripts if one.text),
            any(judged) if judged else None,
            (),
            log_probs,
            _guess(transcripts),
            len(transcripts),
        )


def _guess(transcripts: Sequence[Transcript]) -> Guess | None:
    return transcripts[0].nbest[0] if len(transcripts) == 1 and transcripts[0].nbest else None


def report(trials: Mapping[str, SpeechTrial], judged: Mapping[str, SpeechTrial]) -> str:
    """Tables of Markdown: faults and calibration, then the most frequent mistakes."""
    faults = [
        f"| | {' | '.join(_FAULTS)} |",
        "|---" * (1 + len(_FAULTS)) + "|",
        *(_faults(name, trial, judged[name]) for name, trial in trials.items()),
    ]
    kinds = [
        "| | for another | left out | put in |",
        "|---|---|---|---|",
        *(_kinds(name, trial) for name, trial in trials.items()),
    ]
    return "\n".join([*faults, "", *kinds])


_FAULTS = (
    "clips", "wrong", "the search's", "the model's", "cannot be written", "rejected", "taken for silence",
    "cut at a pause", "calibration error",
)  # fmt: skip


def _faults(name: str, trial: SpeechTrial, judged: SpeechTrial) -> str:
    blame = trial.blame
    assert blame
    shares = [
        f"{count} ({100 * count / max(1, blame.wrong):.0f} %)"
        for count in (blame.search, blame.model, blame.lexicon, blame.threshold, blame.silence, blame.pause)
    ]
    error = calibration_error(judged.reliability)
    guesses = sum(one.right.total for one in judged.reliability)
    cells = [name, str(len(trial.heard)), str(blame.wrong), *shares, f"{error:.3f} of {guesses:,}"]
    return f"| {' | '.join(cells)} |"


def _kinds(name: str, trial: SpeechTrial) -> str:
    found = trial.mistakes
    swapped = [
        f"{said} → {written} {count}"
        for (said, written), count in found.substitutions.most_common(MOST_FREQUENT)
    ]
    others = [
        [f"{word} {count}" for word, count in counter.most_common(MOST_FREQUENT)]
        for counter in (found.deletions, found.insertions)
    ]
    totals = [counter.total() for counter in (found.substitutions, found.deletions, found.insertions)]
    cells = [
        f"{total}: {', '.join(list_)}" if list_ else "none"
        for total, list_ in zip(totals, (swapped, *others), strict=True)
    ]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    error_analysis()

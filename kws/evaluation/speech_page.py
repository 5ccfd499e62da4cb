"""A recognizer's trial as one HTML file: figures, the reliability of its confidence, what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from kws.evaluation.page import page
from kws.evaluation.reliability import calibration_error, reliability_plot
from kws.evaluation.speech_trial import SpeechTrial

MOST = 50
"""Wrong transcripts that are listed."""


def speech_page(title: str, trial: SpeechTrial, figures: Sequence[tuple[str, str]]) -> str:
    """The whole page; it needs no other file and no network.

    Args:
        title: what was tried.
        trial: what was heard.
        figures: name and value of each row of the table.
    """
    rows = "".join(f"<tr><td>{escape(name)}<td>{escape(value)}" for name, value in figures)
    sections = [f"<table>{rows}</table>", *_reliability(trial), *_mistakes(trial), *_wrong(trial)]
    return page(title, sections)


def _reliability(trial: SpeechTrial) -> Iterator[str]:
    yield "<h2>Is the confidence true?</h2>"
    bins = trial.reliability
    if not bins:
        yield "<p>No recording gave just one transcript.</p>"
        return
    yield reliability_plot(bins)
    yield (
        "<p>A first guess, accepted or not, is right if all of its words are. On average its confidence is "
        f"{calibration_error(bins):.3f} from the share that is right.</p>"
    )
    yield "<table><tr><th>mean confidence<th>right"
    yield from (f"<tr><td>{one.confidence:.2f}<td>{escape(str(one.right))}" for one in bins)
    yield "</table>"


def _mistakes(trial: SpeechTrial) -> Iterator[str]:
    if trial.mistakes.errors:
        yield f"<h2>Most frequent mistakes</h2><pre>{escape(trial.mistakes.table())}</pre>"
    if trial.blame and trial.blame.wrong:
        yield f"<h2>Whose fault</h2><pre>{escape(trial.blame.table())}</pre>"


def _wrong(trial: SpeechTrial) -> Iterator[str]:
    wrong = [one for one in trial.heard if one.text != one.spoken.text]
    yield f"<h2>{len(wrong)} of {len(trial.heard)} are wrong</h2><table><tr><th>recording<th>said<th>written"
    for one in wrong[:MOST]:
        cells = (one.spoken.path.name, one.spoken.text, one.text)
        yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells)
    yield "</table>"

"""The ladder: what is kept of a training, and that the page says what was measured and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from spoken import saying

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

import training.ladder.climb  # noqa: E402
import training.ladder.spelled  # noqa: E402
from kws.bundle import Bundle, find_bundle  # noqa: E402
from kws.errors import KwsError  # noqa: E402
from kws.evaluation import Proportion  # noqa: E402
from kws.evaluation.streams import Layout, RowStream  # noqa: E402
from kws.frontends import MICRO  # noqa: E402
from kws.recognition.spelling import phrase_spellings  # noqa: E402
from kws.recognition.spotter import Spotter  # noqa: E402
from kws.recognition.tokens import PHONES  # noqa: E402
from training.accuracy.counts import read_counts, write_counts  # noqa: E402
from training.accuracy.figures import Figures, read_figures  # noqa: E402
from training.ladder.__main__ import main  # noqa: E402
from training.ladder.climb import Climbed, climbed, own_clips  # noqa: E402
from training.ladder.page import page  # noqa: E402
from training.ladder.rungs import ARCHITECTURES, LADDER, RUNGS  # noqa: E402
from training.ladder.spelled import scored  # noqa: E402

DOCS = Path(__file__).parent.parent / "docs"


def found(rung: str = "packed") -> Climbed:
    figures = read_figures(DOCS / "figures" / "computer.json")
    return climbed(rung, figures, (8.25, 5.0), "python -m training.ladder computer")


def test_what_is_kept_are_the_counts_at_the_rates(tmp_path: Path) -> None:
    one, figures = found(), read_figures(DOCS / "figures" / "computer.json")
    assert one.missed("0.5", "10 dB") == figures.missed_at(figures.points["0.5"], "10 dB")
    assert one.alarms("1") == figures.rate(figures.points["1"])
    write_counts(tmp_path / "figures" / "one.json", one)
    assert read_counts(Climbed, tmp_path / "figures" / "one.json") == one


def test_a_rung_that_was_not_measured_says_so() -> None:
    text = page([found("packed")])
    assert text.count("not measured") == len(LADDER) + len(ARCHITECTURES) - 1
    (row,) = [line for line in text.splitlines() if line.startswith("| packed |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    for place, rate in ((2, "0.5"), (6, "1")):
        missed = [str(found().missed(rate, condition)) for condition in ("clean", "amid talk", "10 dB")]
        assert cells[place : place + 4] == [*missed, str(found().alarms(rate))]
    assert cells[10:] == [f"{found().bytes / 1000:.0f}", "8", "5", found().date]


def test_a_row_from_before_words_were_heard_amid_talk_lacks_that_alone() -> None:
    misses = {rate: {"clean": 1, "10 dB": 2} for rate in ("0.5", "1")}
    (row,) = [
        line for line in page([replace(found(), misses=misses)]).splitlines() if line.startswith("| packed |")
    ]
    assert row.count("not measured") == 2
    assert row.count(str(Proportion(2, found().words))) == 2


def test_a_kept_bundle_is_measured_again_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = read_figures(DOCS / "figures" / "computer.json")
    asked = []

    def evaluate(bundle: Bundle) -> tuple[Figures, None]:
        asked.append(bundle.name)
        return figures, None

    monkeypatch.setattr(training.ladder.climb, "evaluate", evaluate)
    again = ["computer", "--rung", "packed", "--again", "--docs", str(tmp_path), "--cache", str(tmp_path)]
    assert "not measured yet; leave out --again" in CliRunner().invoke(main, again).output
    row = tmp_path / "figures" / "ladder" / "computer-packed.json"
    write_counts(row, replace(found(), misses={"0.5": {"clean": 40}, "1": {}}, date="2026-01-01"))
    done = CliRunner().invoke(main, again)
    assert isinstance(done.exception, KwsError)
    assert not asked
    bundle = find_bundle("computer")
    kept = tmp_path / "ladder" / "computer-packed"
    kept.mkdir(parents=True)
    for path in (bundle.manifest_path, bundle.model_path):
        (kept / path.name).write_bytes(path.read_bytes())
    done = CliRunner().invoke(main, again, catch_exceptions=False)
    assert asked == ["computer"]
    assert read_counts(Climbed, row) == found()


def test_a_row_that_another_command_has_made_names_it() -> None:
    typed = replace(found("packed"), command="kws train tea")
    assert "minutes taken from a log: packed by `kws train tea`." in page([typed, found("all")])
    assert "Not made by" not in page([found("packed"), found("all")])


def test_every_rung_has_a_recipe_that_is_whole() -> None:
    assert len({rung.name for rung in RUNGS.values()}) == len(LADDER) + len(ARCHITECTURES)
    for rung in filter(lambda rung: rung.recipe, RUNGS.values()):
        assert rung.settings().network["name"]
    assert RUNGS["five"].settings().material.real_words is False
    assert RUNGS["lstm-all"].settings().network == {"name": "lstm"}


class Hears:
    """An acoustic stage for rows that are steps already."""

    front_end, step_seconds = MICRO, 0.04

    def push(self, rows):
        return rows

    def reset(self):
        pass


def test_a_spelling_is_scored_step_by_step_without_a_reset(monkeypatch) -> None:
    said = np.concatenate([saying("jarvis"), saying("the street is long"), saying("service")])
    layout = Layout(())
    monkeypatch.setattr(training.ladder.spelled, "dev_stream", lambda *_, **__: RowStream(said, layout))
    monkeypatch.setattr(training.ladder.spelled, "_SECONDS_AT_ONCE", 0.07)
    spotter = Spotter({"jarvis": phrase_spellings("jarvis", PHONES)}, 0.04)
    found = scored("jarvis", "speech", Hears(), spotter).track
    spotter.reset()
    assert found.score == pytest.approx(spotter.scores(said)[:, 0])
    assert found.time[-1] == pytest.approx(0.04 * len(said))
    assert found.score.argmax() < len(saying("jarvis"))
    assert found.score[len(saying("jarvis")) :].max() < 0.5 < 0.99 < found.score.max()


@pytest.mark.recordings
def test_own_clips_are_the_same_for_the_same_seed() -> None:
    first, again, other = (own_clips("computer", 5, seed) for seed in (1, 1, 2))
    assert [len(clip) for clip in first] == [len(clip) for clip in again]
    assert [len(clip) for clip in first] != [len(clip) for clip in other]


def test_the_page_is_what_the_counts_say(tmp_path: Path) -> None:
    kept = DOCS / "figures" / "ladder"
    for path in kept.glob("*.json"):
        write_counts(tmp_path / "figures" / "ladder" / path.name, read_counts(Climbed, path))
    done = CliRunner().invoke(main, ["--page", "--docs", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "ladder.md").read_text("utf-8") == (DOCS / "ladder.md").read_text("utf-8")

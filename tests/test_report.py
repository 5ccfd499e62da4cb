"""docs/accuracy.md: every number on it follows from the figures, and it is the page that they give now."""

import dataclasses
import itertools
import re
from xml.etree import ElementTree

import pytest

from kws.bundle import bundled_names, find_bundle
from kws.evaluation import Proportion, Rate
from training.accuracy.cascade_table import cascade_section
from training.accuracy.det_svg import det_svg, staircase
from training.accuracy.dev_streams import CONDITIONS
from training.accuracy.figures import CorpusCount, Events, Figures, Point, read_figures
from training.evaluate import FIGURES
from training.report import COMMAND, DOCS, accuracy_page, drawing_name, read_drift

REMEDY = f"run `{COMMAND}`"


def point(threshold, clean, alarms, noisy=20):
    missed = {
        "clean": clean,
        "amid talk": clean,
        "room": clean,
        "20 dB": clean + 1,
        "10 dB": noisy,
        "5 dB": noisy + 10,
    }
    return Point(threshold, missed, alarms, 0, (0.121, 0.238))


@pytest.fixture
def figures():
    return Figures(
        model="computer",
        word="computer",
        arithmetic="int8",
        bytes=51_200,
        sha256="",
        words=66,
        speech_hours=4.0,
        noise_hours=0.5,
        default=point(0.5, 2, 1),
        points={
            "0.25": point(0.5, 2, 1),
            "0.5": point(0.4, 2, 2),
            "1": point(0.3, 1, 4),
            "2": point(0.2, 0, 8),
        },
        corpora=(CorpusCount("libri", "english", 3.0, 1), CorpusCount("fsdd", "english", 0.5, 0)),
        curve={
            "threshold": [0.9, 0.5, 0.4, 0.3, 0.25, 0.2],
            "false_alarms": [0, 1, 2, 4, 3, 8],
            **{name: [30, 20, 10, 5, 4, 0] for name in CONDITIONS},
        },
        events=Events(3, 1),
        measured={"command": "python -m training.evaluate", "date": "2026-01-02"},
    )


def test_shares_and_rates_come_with_counts_and_intervals():
    assert str(Proportion(2, 84)) == "2.4 % (0.3 to 8.3), 2 of 84"
    assert str(Rate(0, 6.0)) == "0.00 (0.00 to 0.50), 0 in 6.00 h"


def test_the_page_names_counts_hours_intervals_and_the_command(figures):
    page = accuracy_page([figures])
    for text in (
        "`python -m training.evaluate`",
        "2026-01-02",
        "chosen on these same recordings",
        "| default | 0.5000 | 0.25 (0.01 to 1.39), 1 in 4.00 h | 3.0 % (0.4 to 10.5), 2 of 66 |",
        "| at most 2 per hour | 0.2000 | 2.00 (0.86 to 3.94), 8 in 4.00 h | 0.0 % (0.0 to 5.4), 0 of 66 |",
        "median 121 ms, 95th percentile 238 ms",
        "3 of 66 missed, false alarms: 1",
        "| **english** | | **3.50** | **1** |",
        "(det-computer.svg)",
    ):
        assert text in page


def test_int8_stands_beside_float_where_both_were_measured(figures):
    points = {**figures.points, "1": point(0.3, 3, 4)}
    real = dataclasses.replace(figures, arithmetic="float32", points=points)
    assert "What int8 costs" not in accuracy_page([figures])
    page = accuracy_page([figures, real])
    assert "| computer | at most 1 | 4.5 % | 1.5 % | 30.3 % | 30.3 % |" in page
    assert page.count("\n## computer") == 1


def test_a_float_form_without_its_int8_form_makes_no_section(figures):
    assert "##" not in accuracy_page([dataclasses.replace(figures, arithmetic="float32")]).split("## How")[1]


def test_drift_is_reported_where_it_was_measured(figures, tmp_path):
    assert "Over hours" not in accuracy_page([figures], read_drift(tmp_path))
    (tmp_path / "verification").mkdir()
    (tmp_path / "verification" / "drift.txt").write_text("command: x\n\ndetails\nThe second hour is fine.\n")
    assert "## Over hours\n\nThe second hour is fine." in accuracy_page([figures], read_drift(tmp_path))


def test_the_staircase_never_credits_a_lower_threshold_with_fewer_alarms(figures):
    """At 0.25 the count falls from 4 to 3, which is a merging of alarms, not a better model."""
    corners = staircase(figures, "clean")
    assert corners == [
        (0.1, 30 / 66),
        (0.25, 30 / 66),
        (0.25, 20 / 66),
        (0.5, 20 / 66),
        (0.5, 10 / 66),
        (1.0, 10 / 66),
        (1.0, 5 / 66),
        (1.0, 5 / 66),
        (1.0, 4 / 66),
        (2.0, 4 / 66),
        (2.0, 0),
        (20, 0),
    ]


def test_the_drawing_is_an_svg_with_a_line_for_every_condition(figures):
    root = ElementTree.fromstring(det_svg(figures))
    width, height = float(root.get("width")), float(root.get("height"))
    lines = root.findall("{*}polyline")
    assert len(lines) == len(CONDITIONS)
    for line in lines:
        corners = [tuple(map(float, corner.split(","))) for corner in line.get("points").split()]
        assert all(0 < x < width and 0 < y < height for x, y in corners)
        assert [x for x, _ in corners] == sorted(x for x, _ in corners)
        assert [y for _, y in corners] == sorted(y for _, y in corners)  # downwards: ever fewer misses
    assert [text.text for text in root.findall("{*}text")][-len(CONDITIONS) :] == list(CONDITIONS)


def test_labels_do_not_overlap(figures):
    root = ElementTree.fromstring(det_svg(figures))
    heights = sorted(float(text.get("y")) for text in root.findall("{*}text")[-len(CONDITIONS) :])
    assert min(b - a for a, b in itertools.pairwise(heights)) >= 13.9


def measured():
    return [read_figures(path) for path in sorted(FIGURES.glob("*.json"))]


def test_the_page_is_up_to_date():
    page = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert page == accuracy_page(measured(), read_drift(DOCS), cascade_section(bundled_names())), REMEDY


def test_the_drawings_are_up_to_date():
    for figures in measured():
        if figures.arithmetic == "int8":
            assert (DOCS / drawing_name(figures)).read_text(encoding="utf-8") == det_svg(figures), REMEDY


def test_the_figures_are_those_of_the_bundled_models():
    for bundle in map(find_bundle, bundled_names()):
        remedy = f"run `python -m training.evaluate {bundle.name} --fill`, then {REMEDY}"
        assert (FIGURES / f"{bundle.name}.json").is_file(), remedy
        figures = read_figures(FIGURES / f"{bundle.name}.json")
        assert figures.sha256 == bundle.model_sha256, remedy
        assert figures.default.threshold == bundle.threshold, remedy
        assert bundle.card["figures"]["misses"] == figures.default.misses, remedy
        assert bundle.calibration, remedy


def test_every_picture_on_the_page_exists():
    for name in re.findall(r"\]\(([^)]+\.svg)\)", (DOCS / "accuracy.md").read_text(encoding="utf-8")):
        assert (DOCS / name).is_file()

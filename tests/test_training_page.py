"""The report of a training: what stands in it is what was measured."""

from __future__ import annotations

import numpy as np

from kws.scoring import ScoreTrack
from training.spoken_anew import NearMiss
from training.training_page import Evidence, training_page

CLIP = np.full(1_600, 100, np.int16)


def evidence() -> Evidence:
    """Four words, one of them at 0.3; in an hour of speech the score reaches 0.7 once and 0.6 once."""
    time = np.arange(1, 36_001) * 0.1
    score = np.full(36_000, 0.1, np.float32)
    score[9_000:9_003], score[20_000] = 0.7, 0.6
    source = np.zeros(36_000, np.int32)
    source[20_000] = 1
    best = np.array([0.9, 0.3, 0.8, 0.95], np.float32)
    words = {"by synthetic voices": best, "at 10 dB": best - np.float32(0.2)}
    names = ["talk: <tea> for two", "radio"]
    return Evidence("Told.", words, [CLIP] * 4, best, ScoreTrack(time, score), 1.0, names, source)


def near() -> list[NearMiss]:
    return [
        NearMiss("hay", True, np.array([0.1, 0.65], np.float32)),
        NearMiss("bay", False, np.array([0.2, 0.3], np.float32)),
    ]


def test_figures_are_those_of_the_threshold() -> None:
    text = training_page("hey", evidence(), 0.65, near(), {"loss": {"head 1": [(1, 0.5), (2, 0.25)]}})
    assert "<td>threshold 0.65<td>0.6500<td>25.0 % (0.6 to 80.6), 1 of 4<td>1.00 (0.03 to 5.57)" in text
    assert "2 of 4" in text.split("<h2>Words at 10 dB")[1].split("</table>")[0]
    assert "<h2>Missed at 0.65</h2><ol>\n<li>synthetic voice, score 0.300 <audio" in text


def test_false_alarms_are_told_by_what_was_said() -> None:
    text = training_page("hey", evidence(), 0.55, near(), {})
    alarms = text.split("<h2>2 false alarms at 0.55</h2>")[1]
    assert alarms.index("talk: &lt;tea&gt; for two, score 0.700") < alarms.index("radio, score 0.600")


def test_near_misses_have_rates_of_their_own() -> None:
    text = training_page("hey", evidence(), 0.65, near(), {})
    assert "<td>1 phrases learned to refuse, from other voices<td>50.0 % (1.3 to 98.7), 1 of 2" in text
    assert "<td>1 phrases never learned<td>0.0 % (0.0 to 84.2), 0 of 2" in text
    assert text.index("<td>hay<td>1 of 2<td>0.650<td>yes") < text.index("<td>bay<td>0 of 2<td>0.300<td>no")


def test_the_course_is_drawn_where_there_is_one() -> None:
    course = {"loss": {"head 1": [(3, 0.5), (4, 0.25)]}, "heard": {"head 1": []}}
    text = training_page("hey", evidence(), 0.65, [], course).split("How it learned")[1]
    assert text.count("<polyline") == 1
    assert "How it learned" not in training_page("hey", evidence(), 0.65, [], {"heard": {}})


def test_without_speech_held_out_it_says_so() -> None:
    best = np.array([0.9], np.float32)
    text = training_page("hey", Evidence("", {"w": best}, [CLIP], best, None, 0.0), 0.5, [], {})
    assert "false alarms are not known" in text
    assert "false alarms at" not in text

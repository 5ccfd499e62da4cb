"""The plugin as Open Voice OS loads it: by its entry point, through ovos-plugin-manager."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pymicro_wakeword
import pytest

import kws

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
# In a process of its own: the plugin manager imports modules that warn of their end.
PROGRAM = """
import json, sys
import soundfile
from ovos_plugin_manager.wakewords import OVOSWakeWordFactory, find_wake_word_plugins

assert "ovos-ww-plugin-kws" in find_wake_word_plugins()
settings = json.loads(sys.argv[1])
hotword = OVOSWakeWordFactory.create_hotword("alexa", {"alexa": {"module": "ovos-ww-plugin-kws", **settings}})
pcm = soundfile.read(sys.argv[2], dtype="int16")[0].tobytes()
heard = []
for turn in range(2):
    for start in range(0, len(pcm), 2048):
        hotword.update(pcm[start : start + 2048])
        if hotword.found_wake_word():
            heard.append([turn, start // 2])
    hotword.reset()
hotword.stop()
print(json.dumps([type(hotword).__module__, heard]))
"""


def spoken_to(settings: dict[str, object], recording: Path) -> tuple[str, list[list[int]]]:
    """Where the plugin comes from, and the turn and sample at which it was woken."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(settings), str(recording)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    module, heard = json.loads(done.stdout.splitlines()[-1])
    return module, heard


def test_ovos_finds_it_and_is_woken_once_a_time() -> None:
    engine = kws.load(MODEL, threshold=0.3)
    with kws.open_source(RECORDING) as blocks:
        (word,) = [event for block in blocks for event in engine.push(block)]
    module, heard = spoken_to({"model": str(MODEL), "threshold": 0.3}, RECORDING)
    assert module == "kws.ovos"
    assert [turn for turn, _ in heard] == [0, 1]
    for _, sample in heard:
        assert sample / kws.SAMPLE_RATE == pytest.approx(word.end, abs=1024 / kws.SAMPLE_RATE)


def test_a_second_stage_may_be_chosen() -> None:
    """Of a word that wakes at nearly everything, it lets only the one through that was said."""
    settings: dict[str, object] = {"model": "computer", "threshold": 0.01}
    alone = spoken_to(settings | {"confirm": "none"}, RECORDING)[1]
    assert len(alone) > 2
    confirmed = spoken_to(settings | {"confirm": "english", "confirm_threshold": 0.9}, RECORDING)[1]
    assert [turn for turn, _ in confirmed] == [0, 1]


def test_without_settings_the_hotwords_name_is_the_model() -> None:
    if "alexa" not in kws.bundled_names():
        pytest.fail("no bundled model alexa")
    assert spoken_to({}, RECORDING)[0] == "kws.ovos"

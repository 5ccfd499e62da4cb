"""Every example runs, is short, and says what the engine says."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pymicro_wakeword
import pytest
import soundfile

import kws
from kws.events import SourceLost, from_json
from kws.sources.memory import from_samples
from kws.types import Block

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RECORDING = ROOT / "kws" / "selftest" / "calls.flac"
MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that hears one word in the recording with its own threshold."""
    source = kws.find_bundle(MODEL)
    micro = {**source.manifest["micro"], "probability_cutoff": 0.3}
    tflite = source.model_path.read_bytes()
    return str(
        kws.bundle.write_bundle(
            tmp_path_factory.mktemp("model"), "low", tflite, {**source.manifest, "micro": micro}
        )
    )


@pytest.fixture(scope="module")
def heard(model: str) -> kws.Detection:
    """The oracle: the engine on the whole recording."""
    (event,) = kws.load(model).push(Block(soundfile.read(RECORDING, dtype="int16")[0], str(RECORDING)))
    assert isinstance(event, kws.Detection)
    return event


def run(example: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The example in a process of its own, as its documentation calls it."""
    command = [sys.executable, ROOT / "examples" / example, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def load(example: str) -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("example", ROOT / "examples" / example)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hear_file(model: str, heard: kws.Detection) -> None:
    done = run("hear_file.py", str(RECORDING), model)
    assert done.stdout == f"low at {heard.start:.2f} s, score {heard.score:.2f}\n"


def test_hear_microphone(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = load("hear_microphone.py")
    example.hear(from_samples(soundfile.read(RECORDING, dtype="int16")[0]), model)
    assert re.fullmatch(r"\d\d:\d\d:\d\d heard low, score 0\.\d\d\n", capsys.readouterr().out)
    assert "unplugged" in example.describe(SourceLost(time=1.0, reason="unplugged", source="USB"))
    assert "0.50 s" in example.describe(kws.Gap(start=1.0, end=1.5, reason="overflow"))


def test_own_sink(model: str, heard: kws.Detection) -> None:
    done = run("own_sink.py", str(RECORDING), model, "echo")
    assert done.stdout == f"low {heard.to_json()}\n"
    assert from_json(done.stderr.splitlines()[-1]) == from_json(heard.to_json())


def test_several_models(model: str) -> None:
    done = run("several_models.py", str(RECORDING), model, f"{MODEL}=1")
    assert done.stdout == "low: 1\nalexa: 0\n"


def test_score_curve(model: str, heard: kws.Detection) -> None:
    rows = list(csv.DictReader(io.StringIO(run("score_curve.py", str(RECORDING), model).stdout)))
    reached = [row for row in rows if float(row["score"]) >= float(row["threshold"])]
    assert float(reached[0]["time"]) == pytest.approx(heard.end, abs=1e-3)
    assert float(reached[0]["score"]) == pytest.approx(heard.score, abs=1e-4)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_short_and_has_a_test(example: Path) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60
    assert f"test_{example.stem}" in globals()
    assert example.name in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", ["hear_file.py", "several_models.py", "score_curve.py"])
def test_bad_input_is_one_line(example: str) -> None:
    done = run(example, "/no/such/recording.wav", str(MODEL))
    assert done.returncode != 0
    notice = "INFO: "  # LiteRT's, when a model is loaded
    complaints = [line for line in done.stderr.splitlines() if not line.startswith(notice)]
    assert len(complaints) == 1
    assert complaints[0].startswith("/no/such/recording.wav: ")

"""The worker's side of a measurement, with an engine that the test itself writes."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from benchmarks import peers
from kws.bench import write_wav
from kws.bench.process import Plan, run
from kws.errors import KwsError

FAKE = """
import array

def load(models, gain=1.0):
    def push(chunk):
        samples = array.array("h", chunk)
        return None if samples[0] < 0 else [gain * sum(samples) / len(samples)] * len(models)
    return push
"""


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "fake.py"
    path.write_text(FAKE)
    return path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """Chunks of 160 samples, all 0, all 1, ..., the fourth negative; the last is cut in half."""
    path = tmp_path / "audio.wav"
    write_wav(path, np.repeat([0, 1, 2, -1, 4], [160, 160, 160, 160, 80]).astype(np.int16))
    return path


def test_scores_come_with_the_end_of_their_chunk(adapter: Path, audio: Path, tmp_path: Path) -> None:
    track = tmp_path / "track"
    run(Plan(audio, 0.05, adapter, ("a", "b"), {"gain": 10.0}, chunk=160, warm=0, scores=track))
    found = np.fromfile(track).reshape(-1, 3)
    # The fifth chunk is filled up from the recording's start: half of it is 4, the other half 0.
    assert found[:, 0] == pytest.approx([0.01, 0.02, 0.03, 0.05])
    assert found[:, 1].tolist() == found[:, 2].tolist() == [0.0, 10.0, 20.0, 20.0]


def test_audio_is_heard_again_and_warmth_is_not_measured(adapter: Path, audio: Path, tmp_path: Path) -> None:
    track = tmp_path / "track"
    found = run(Plan(audio, 0.1, adapter, ("a",), chunk=160, warm=0.04, streams=2, scores=track))
    # The first chunk measured is the fifth, which ends 80 samples into the second hearing; two of the ten
    # that follow one another from there begin in what is negative.
    times, scores = np.fromfile(track).reshape(-1, 2).T
    assert times == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.06, 0.07, 0.08, 0.1])
    assert scores.tolist() == [2.0, 0.5, 1.5, 0.5, 0.0, 1.0, 2.0, 2.0]
    assert found.cpu > 0
    assert found.loading > 0
    assert found.p50 <= found.p99


def test_what_an_adapter_raises_is_told(audio: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def load(models):\n    raise OSError('no such model')\n")
    with pytest.raises(KwsError, match="broken alexa: OSError: no such model"):
        run(Plan(audio, 0.05, broken, ("alexa",)))


def test_every_engine_has_an_adapter_and_words() -> None:
    for engine in peers.LISTENERS:
        assert "\ndef load(models" in engine.adapter.read_text()
        assert set(engine.thresholds) <= set(engine.words)
        assert len(engine.models(10)) == 10


def test_what_pip_cannot_install_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    missing = peers.Engine("none", Path("none.py"), (str(tmp_path / "no-such-package"),), {"word": "word"})
    with pytest.raises(peers.NotInstalledError, match="no-such-package"):
        peers.environment_of(missing)


def test_our_own_environment_is_made_anew_when_a_file_of_ours_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kws").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path / "environments")
    made: list[str] = []

    def done(command: list[object], **options: object) -> CompletedProcess[str]:
        if "venv" in command:
            Path(str(command[-1])).mkdir(parents=True, exist_ok=True)
            made.append(Path(str(command[-1])).name)
        return CompletedProcess([], 0)

    monkeypatch.setattr(peers.subprocess, "run", done)
    ours = peers.Engine("ours", Path("ours.py"), (f"{tmp_path}[encoder]",), {"word": "word"})
    peer = peers.Engine("peer", Path("peer.py"), ("peer==1",), {"word": "word"})
    for _ in range(2):
        peers.environment_of(ours)
        peers.environment_of(peer)
    assert made == ["ours", "peer"]
    (tmp_path / "kws" / "model.tflite").write_bytes(b"12")
    peers.environment_of(ours)
    peers.environment_of(peer)
    (tmp_path / "kws" / "model.tflite").write_bytes(b"123")
    (tmp_path / "kws" / "model.pyc").write_bytes(b"123")
    peers.environment_of(ours)
    peers.environment_of(ours)
    assert made == ["ours", "peer", "ours", "ours"]


def test_a_python_without_venv_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = CompletedProcess([], 1, stdout="", stderr="...\nNo module named venv\n")
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(peers.subprocess, "run", lambda *command, **options: said)
    with pytest.raises(peers.NotInstalledError, match=r"^No module named venv$"):
        peers.environment_of(peers.PEERS[0])


def test_footprints_leave_pip_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    engine = peers.Engine("fake", Path("fake.py"), (), {"word": "word"}, model_files=("fake/*.tflite",))
    packages = tmp_path / "fake" / "lib" / "python3.11" / "site-packages"
    for name, size in {"fake/a.tflite": 5, "fake/code.py": 2, "fake/code.pyc": 9, "pip/big.py": 100}.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_bytes(bytes(size))
    (tmp_path / "fake" / "installed.json").write_text("[]")
    assert peers.footprint(engine) == peers.Footprint(installed=7, models=5)

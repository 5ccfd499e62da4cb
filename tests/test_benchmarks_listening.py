"""Which engine hears what, in which order, and when what it has heard no longer counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import listening, peers
from kws.errors import KwsError
from kws.fusion import Fusion


def test_an_engine_whose_worker_fails_hears_nothing_more_and_the_others_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str]] = []

    @dataclass(frozen=True)
    class Hearing:
        engine: SimpleNamespace
        stream: str
        settings: tuple[float, ...] = ()

        def hear(self) -> float:
            asked.append((self.engine.name, self.stream))
            if self.engine.name == "broken":
                raise KwsError("bench: no such library")
            return 1.0

    class Named(SimpleNamespace):
        __hash__ = object.__hash__

    broken, sound = Named(name="broken"), Named(name="sound")
    tasks = [Hearing(broken, "a"), Hearing(sound, "a"), Hearing(broken, "b"), Hearing(sound, "b")]
    monkeypatch.setattr(listening, "_unheard", lambda: tasks)
    monkeypatch.setattr(listening, "urgency", lambda task: 0)
    listening.listen(60)
    assert asked == [("broken", "a"), ("sound", "a"), ("sound", "b")]
    assert "broken: bench: no such library; hears nothing more" in capsys.readouterr().err


def test_what_kws_has_heard_is_heard_anew_when_its_code_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = Path(listening.kws.__file__).parent
    (tmp_path / "encoders").mkdir()
    for source in (*package.glob("*.py"), *package.glob("encoders/*.py")):
        copied = tmp_path / source.relative_to(package)
        copied.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(listening.kws, "__file__", str(tmp_path / "__init__.py"))
    before = listening.code_digest.__wrapped__()
    confirmed = tmp_path / "confirmed.py"
    text = confirmed.read_text(encoding="utf-8")
    confirmed.write_text(text + "# A comment is no change.\n", encoding="utf-8")
    assert listening.code_digest.__wrapped__() == before == listening.code_digest()
    confirmed.write_text(text.replace("THRESHOLD = 0.1", "THRESHOLD = 0.2"), encoding="utf-8")
    assert listening.code_digest.__wrapped__() != before
    confirmed.write_text(text, encoding="utf-8")
    rows = tmp_path / "encoders" / "logmel.py"
    rows.write_text(rows.read_text(encoding="utf-8") + "FFT = 1024\n", encoding="utf-8")
    assert listening.code_digest.__wrapped__() != before


@pytest.mark.parametrize("word", ["computer", "alexa", "jarvis"])
def test_a_word_is_heard_at_its_default_thresholds_and_then_where_it_is_told_sooner(word: str) -> None:
    default, sooner, *others = listening.pairs_of(word)
    stage = listening.second_stage_of(*listening.stages_of(word))
    assert stage
    assert default == [stage.threshold, stage.least]
    assert sooner == [stage.threshold, pytest.approx(stage.least - 0.1)]
    assert len({tuple(pair) for pair in (default, sooner, *others)}) == 2 + len(others) <= 6


def test_a_track_is_named_after_every_model_that_it_was_heard_by(monkeypatch: pytest.MonkeyPatch) -> None:
    head, device, another = (SimpleNamespace(model_sha256=sha) for sha in ("head", "device", "another"))
    both = Fusion((device, another), (0.5, 0.5))  # type: ignore[arg-type]
    monkeypatch.setattr(listening, "stages_of", lambda word: (head, both if word == "alexa" else device))
    names = listening._version(peers.TWO_STAGES, ["alexa", "computer"])
    assert names == [listening.code_digest(), "head", "device", "another", "head", "device"]
    assert listening._version(peers.PEERS[0], ["alexa.json"]) == ["pymicro-wakeword==2.5.0"]


def test_the_most_telling_streams_are_heard_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "pairs_of", lambda word: [[0.3, 0.1], [0.8, 0.1], [0.9, 0.1]])
    engines = {engine.name: engine for engine in peers.LISTENERS}

    def task(name: str, stream: str, *settings: Any) -> listening.Task:
        return listening.Task(engines[name], ("alexa",), stream, settings)

    order = [
        task("kws", "alexa, 5 s apart", [0.3, 0.1]),
        task("kws", "alexa, alone", [0.3, 0.1]),
        task("wakeforge", "alexa, 5 s apart"),
        task("openwakeword", "alexa, 10 dB"),
        task("kws, first stage alone", "speech 3"),
        task("kws", "alexa, 5 s apart", [0.8, 0.1]),
        task("kws", "alexa, 10 dB", [0.8, 0.1]),
        task("kws", "alexa, 5 s apart", [0.9, 0.1]),
        task("kws", "speech 7", [0.8, 0.1]),
        task("kws", "speech 1", [0.9, 0.1]),
        task("openwakeword", "speech 0"),
        task("wakeforge", "alexa, 5 dB"),
        task("wakeforge", "speech 0"),
    ]
    assert [listening.urgency(one) for one in order] == sorted({listening.urgency(one) for one in order})

"""The command line: what goes to standard output, what to standard error, and the exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, TracebackType

import click
import community
import numpy as np
import pytest
import soundfile
from listened import LISTEN, MODEL, RECORDING, THRESHOLD, events

import kws
import kws.sources
from kws import cli
from kws.recognition.bundle import bundled_recognizers
from kws.sources.devices import Device
from kws.types import Block, Samples

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """command(arguments) -> exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return run


def engine_events(samples: Samples) -> list[str]:
    """The oracle: what the engine says without any command."""
    engine = kws.load(MODEL, threshold=THRESHOLD)
    return [event.to_json() for event in engine.push(Block(samples, str(RECORDING)))]


@pytest.fixture(scope="module")
def samples() -> Samples:
    return soundfile.read(RECORDING, dtype="int16")[0]


def test_run_prints_what_the_engine_hears(command: Command, samples: Samples) -> None:
    code, out, err = command("run", str(RECORDING), *LISTEN)
    assert (code, err) == (0, "")
    assert out.splitlines() == engine_events(samples)
    assert len(out.splitlines()) == 1


def test_each_file_is_a_stream_of_its_own(command: Command) -> None:
    code, out, _ = command("run", str(RECORDING), str(RECORDING), *LISTEN)
    first, second = events(out)
    assert code == 0
    assert first == second


def test_several_models_are_heard_at_once(command: Command) -> None:
    both = ["--model", MODEL, "--model", str(community.manifest("hey_jarvis")), "--threshold", "0"]
    _, out, _ = command("run", str(RECORDING), *both)
    assert {event["name"] for event in events(out)} == {"alexa", "hey_jarvis"}


def test_unusable_files_are_named_and_the_others_heard(command: Command, tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("no audio")
    missing = tmp_path / "missing.wav"
    code, out, err = command("run", str(text), str(missing), str(RECORDING), *LISTEN)
    assert code == 2
    assert len(events(out)) == 1
    said = err.splitlines()
    assert [line.startswith(f"kws: {path}: ") for line, path in zip(said, (text, missing), strict=True)] == [
        True
    ] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hear"], ["hear", "kws --help"]),
        (["run"], ["FILES", "kws run --help"]),
        (["run", "a.wav", "--threshold", "2"], ["--threshold", "2.0", "kws run --help"]),
        (["run", "a.wav", "--threshold", "nan"], ["--threshold", "nan", "kws run --help"]),
        (
            ["run", "a.wav", "--model", MODEL, "--model", f"{community.MODELS}/./alexa.json"],
            ["alexa", "twice"],
        ),
        (["run", "a.wav", "--rate", "48000", *LISTEN], ["a.wav", "--rate", "standard input"]),
        (["run", "a.wav", "b.wav", "--channels", "2", *LISTEN], ["a.wav", "--channels", "standard input"]),
        (["run", "a.wav", "--model", "no-such-model"], ["no-such-model", "manifest"]),
        (["run", "-", "--rate", "0", *LISTEN], ["rate", "16000"]),
        (["scores", str(RECORDING), "--model", MODEL], ["--out", "kws scores --help"]),
        (
            ["scores", str(RECORDING), "--model", MODEL, "--out", "/no/such/place/s.npz"],
            ["/no/such/place/s.npz"],
        ),
        (["scores", "/no/such/file.wav", "--model", MODEL, "--out", "s.npz"], ["/no/such/file.wav"]),
        (["info", "/no/such/model.json"], ["/no/such/model.json"]),
    ],
)
def test_bad_input_is_one_line_and_code_2(command: Command, arguments: list[str], words: list[str]) -> None:
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("kws: ")
    assert [word for word in words if word not in err] == []


def test_without_arguments_it_shows_its_help(command: Command) -> None:
    code, out, err = command()
    assert (code, err) == (0, "")
    assert out == command("--help")[1]


class UntilStopped:
    """A microphone that plays a recording, then sends this process a signal, as a user would."""

    def __init__(self, samples: Samples, number: int) -> None:
        self._samples = samples
        self._number = number

    def __enter__(self) -> UntilStopped:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __iter__(self) -> Iterator[Block]:
        yield Block(self._samples, "mic:USB")
        os.kill(os.getpid(), self._number)
        threading.Event().wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_listen_ends_on_a_signal(
    command: Command, samples: Samples, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def microphone(uri: str) -> UntilStopped:
        asked.append(uri)
        return UntilStopped(samples, number)

    monkeypatch.setattr(kws.sources, "open_source", microphone)
    before = signal.getsignal(signal.SIGTERM)
    try:
        code, out, err = command("listen", "--device", "USB", *LISTEN)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (code, asked) == (0, ["mic:USB"])
    assert [event["source"] for event in events(out)] == ["mic:USB"]
    assert err == "kws: stopped\n"


def test_scores_are_what_the_detector_compares(command: Command, samples: Samples, tmp_path: Path) -> None:
    out = tmp_path / "track"  # written to exactly this name
    code, printed, err = command("scores", str(RECORDING), "--model", MODEL, "--out", str(out))
    assert (code, printed, err) == (0, "", "")
    with np.load(out) as track:
        time, score = track["time"], track["score"]
    assert (time.dtype, score.dtype, time.shape) == (np.float64, np.float32, score.shape)
    (heard,) = [json.loads(line) for line in engine_events(samples)]
    first = int(np.argmax(score >= THRESHOLD))
    assert round(float(time[first]), 4) == heard["end"]
    assert round(float(score[first]), 4) == heard["score"]


def test_devices_lists_microphones_and_marks_the_default(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = Device(index=0, name="Built-in", channels=2, rate=48_000, is_default=True, api="ALSA")
    usb = Device(index=11, name="USB microphone", channels=1, rate=44_100, api="ALSA")
    monkeypatch.setattr("kws.sources.microphone.list_devices", lambda: [built_in, usb])
    code, out, err = command("devices")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "index     name            channels   rate  through",
        "    0  *  Built-in               2  48000  ALSA",
        "   11     USB microphone         1  44100  ALSA",
    ]


def test_devices_says_when_there_are_none(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.sources.microphone.list_devices", list)
    code, out, err = command("devices")
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "no microphone" in err


def test_models_lists_what_is_bundled(command: Command) -> None:
    code, out, _ = command("models")
    assert code == 0
    listed = [line.split()[0] for line in out.splitlines()[1:]]
    assert listed == kws.bundled_names() + bundled_recognizers()


def test_info_tells_the_manifest_and_the_tensors(command: Command) -> None:
    code, out, err = command("info", MODEL, "--json")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["wake_word"] == "Alexa"
    assert facts["input"]["shape"] == [1, 3, 40]
    assert len(facts["sha256"]) == 64
    _, text, _ = command("info", MODEL)
    assert facts["sha256"] in text


def test_info_prints_calibration_and_card(command: Command, tmp_path: Path) -> None:
    source = json.loads(Path(MODEL).read_text())
    source["kws"] = {
        "calibration": [{"threshold": 0.5, "misses": 0.125}],
        "card": {"seed": 7, "data": {"hours": 3}},
    }
    kws.bundle.write_bundle(tmp_path, "mine", Path(MODEL).with_suffix(".tflite").read_bytes(), source)
    _, out, _ = command("info", str(tmp_path))
    lines = [line.split() for line in out.splitlines()]
    assert ["0.5", "0.125"] in lines
    assert ["seed:", "7"] in lines
    assert ["hours:", "3"] in lines


def offer(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    monkeypatch.setattr(cli, "_offered", lambda: {entry.name: entry for entry in entries})


def module_with(monkeypatch: pytest.MonkeyPatch, name: str, command: click.Command) -> None:
    module = ModuleType(name)
    module.__dict__["greet"] = command
    monkeypatch.setitem(sys.modules, name, module)


def test_commands_of_other_packages_run(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.argument("whom")
    def greet(whom: str) -> int:
        """Say hello."""
        click.echo(f"hello {whom}")
        return 5

    module_with(monkeypatch, "other.cli", greet)
    offer(monkeypatch, EntryPoint("greet", "other.cli:greet", "kws.commands"))
    assert command("greet", "you") == (5, "hello you\n", "")
    assert "hello" in command("greet", "--help")[1]


def test_commands_of_other_packages_are_listed_without_importing_them(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, EntryPoint("greet", "no_such_package.cli:greet", "kws.commands"))
    code, out, _ = command("--help")
    assert code == 0
    assert "no_such_package" in out


def test_entry_points_are_not_read_for_built_in_commands(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> Sequence[EntryPoint]:
        raise AssertionError("entry points were read")

    monkeypatch.setattr(cli, "_offered", read)
    assert command("models")[0] == 0


@pytest.mark.parametrize("module", ["tensorflow", "tensorflow.keras", "scipy"])
def test_a_missing_extra_is_named(command: Command, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    @click.command()
    def greet() -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    module_with(monkeypatch, "other.cli", greet)
    offer(monkeypatch, EntryPoint("greet", "other.cli:greet", "kws.commands"))
    code, out, err = command("greet")
    assert (code, out) == (2, "")
    assert "pip install 'kws[train]'" in err
    assert len(err.splitlines()) == 1


def test_what_is_no_mistake_in_the_command_line_sends_nobody_to_the_help(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def greet() -> None:
        raise click.ClickException("mine.toml: not a recipe; give another")

    module_with(monkeypatch, "other.cli", greet)
    offer(monkeypatch, EntryPoint("greet", "other.cli:greet", "kws.commands"))
    assert command("greet") == (2, "", "kws: mine.toml: not a recipe; give another\n")


def test_a_module_that_no_extra_provides_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def greet() -> None:
        raise ModuleNotFoundError("No module named 'kws.typo'", name="kws.typo")

    module_with(monkeypatch, "other.cli", greet)
    offer(monkeypatch, EntryPoint("greet", "other.cli:greet", "kws.commands"))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["greet"])

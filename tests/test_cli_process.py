"""The command line as a process of its own: its streams, its signals, what it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listened import LISTEN, RECORDING, events

from kws import cli
from kws.types import Samples


def process(*arguments: str | bytes, **settings: object) -> subprocess.CompletedProcess[bytes]:
    """`python -m kws` with these arguments, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kws", *arguments], capture_output=True, check=False, **settings
    )


@pytest.fixture(scope="module")
def samples() -> Samples:
    return soundfile.read(RECORDING, dtype="int16")[0]


def test_raw_audio_on_standard_input(samples: Samples) -> None:
    stereo_48k = np.repeat(np.repeat(samples, 3)[:, None], 2, axis=1)
    plain = process("run", "-", *LISTEN, input=samples.tobytes())
    other = process("run", "-", *LISTEN, "--rate", "48000", "--channels", "2", input=stereo_48k.tobytes())
    for done in (plain, other):
        assert (done.returncode, done.stderr) == (0, b"")
        assert [event["source"] for event in events(done.stdout)] == ["-"]


def test_an_event_is_printed_before_the_audio_ends(samples: Samples) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "kws", "run", "-", *LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(samples.tobytes())
        child.stdin.flush()  # and left open
        assert events(child.stdout.readline())[0]["name"] == "alexa"
        child.stdin.close()


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "kws", "run", *[str(RECORDING)] * 3, *LISTEN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stderr
    child.stdout.close()
    assert child.wait() == cli.BROKEN_PIPE
    assert child.stderr.read() == b""
    child.stderr.close()


def test_ctrl_c_ends_it_quietly(samples: Samples) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "kws", "run", "-", *LISTEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.write(samples.tobytes())
        child.stdin.flush()
        child.stdout.readline()  # it is in its loop now
        child.send_signal(signal.SIGINT)
        assert child.wait() == cli.INTERRUPTED
        assert child.stderr.read() == b""


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    program = "import sys, kws.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"ai_edge_litert", "soundfile", "sounddevice", "soxr", "importlib.metadata", "training"}
    assert heavy & set(done.stdout.split()) == set()


def test_a_second_stage_that_nobody_has_asked_yet_loads_no_grammars() -> None:
    program = "import sys, kws; kws.load('computer', confirm='english'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "kws.recognition.confirmation" in loaded
    assert {"kws.grammar", "kws.recognition.build", "pocketsphinx"} & loaded == set()


def test_bundled_words_load_no_recognizer() -> None:
    program = "import sys, kws; kws.load('computer'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "kws.second_opinion" in loaded
    assert {"kws.recognition.confirmation", "kws.recognition.spotter"} & loaded == set()


def test_what_a_bundled_word_needs_is_all_that_is_loaded() -> None:
    """Each of these takes one to ten milliseconds, some of them megabytes."""
    program = "import sys, kws; kws.load('computer'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {
        *("kws.delegates", "kws.evaluation", "kws.events", "kws.recognition", "kws.sources"),
        *("kws.encoders.full_band", "kws.encoders.graph", "kws.encoders.lower_layers"),
        "kws.encoders.micro_embedding",
    }
    others = {"_hashlib", "click", "flatbuffers", "hashlib", "logging", "tempfile"}
    assert (ours | others) & loaded == set()


def test_python_m_kws_is_the_same() -> None:
    done = process("--version")
    assert done.stdout.decode() == version("kws") + "\n"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere names are text")
@pytest.mark.parametrize(
    ("name", "surroundings"),
    [
        (b"caf\xe9", {}),
        ("Küche".encode(), {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    ],
)
def test_a_name_in_another_encoding_is_a_name(
    tmp_path: Path, name: bytes, surroundings: dict[str, str]
) -> None:
    file, missing = (os.fsencode(tmp_path) + b"/" + name + end for end in (b".flac", b".wav"))
    os.symlink(RECORDING, file)
    done = process("run", file, missing, str(RECORDING), *LISTEN, env={**os.environ, **surroundings})
    assert done.returncode == 2
    first, second = events(done.stdout)
    assert os.fsencode(str(second["source"])) == os.fsencode(RECORDING)
    if not surroundings:
        assert os.fsencode(str(first["source"])) == file
    (said,) = done.stderr.splitlines()
    assert b".wav: No such file or directory; " in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("buffering", ["-u", "-B"])
@pytest.mark.parametrize("arguments", [["run", str(RECORDING), *LISTEN], ["models"]])
def test_output_that_cannot_be_written_is_one_line(arguments: list[str], buffering: str) -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    python = [sys.executable, buffering, "-m", "kws", *arguments]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(python, stdout=full, stderr=subprocess.PIPE, check=False, env=surroundings)
    (said,) = done.stderr.splitlines()
    assert said == b"kws: standard output: cannot be written (No space left on device); send it elsewhere"
    assert done.returncode == 2


def closing(redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m kws` from a shell that closes one of its streams."""
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "kws", *arguments]
    return subprocess.run(line, capture_output=True, check=False)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes them")
def test_closed_standard_output_is_one_line() -> None:
    done = closing(">&-", "run", str(RECORDING), *LISTEN)
    assert done.returncode == 2
    assert done.stderr == b"kws: standard output is closed; send it to a file or a pipe\n"


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes them")
@pytest.mark.parametrize("redirection", ["2>&-", "<&-", "<&- 2>&-"])
def test_other_closed_streams_do_not_matter(redirection: str) -> None:
    done = closing(redirection, "run", str(RECORDING), *LISTEN)
    assert done.returncode == 0
    assert len(events(done.stdout)) == 1

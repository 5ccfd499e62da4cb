"""A program per event: `command:/usr/bin/aplay ding.wav`, the event in its environment and on its input."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice, RefusedError, UnavailableError, fields_of


@dataclass(frozen=True)
class Options:
    """How the program is run."""

    timeout_seconds: float = setting(
        10.0, "time after which the program and its children are killed", least=0.1, most=3600
    )
    shell: bool = setting(False, "hand the line to /bin/sh instead of starting its first word")


class Command:
    """A DaemonSink that runs one program after the other."""

    def __init__(self, command: Sequence[str], timeout_seconds: float) -> None:
        self._command = command
        self._timeout_seconds = timeout_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self._starting = threading.Lock()
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Run it to its end; RefusedError if it fails or takes too long, for it is not run twice, and
        UnavailableError if `interrupt` killed it."""
        if self._closed:
            raise ValueError("this sink is closed")
        child = self._started(notice)
        try:
            child.communicate((notice.to_json() + "\n").encode(), self._timeout_seconds)
        except subprocess.TimeoutExpired:
            _kill(child)
            child.communicate()
            raise RefusedError(f"ran longer than {self._timeout_seconds:g} s and was killed") from None
        if self._interrupted and child.returncode == -signal.SIGKILL:
            raise UnavailableError("killed, for it still ran when this sink had to end")
        if child.returncode:
            raise RefusedError(f"ended with exit code {child.returncode}")

    def interrupt(self) -> None:
        """Kill what runs now, and run nothing more; the daemon calls it from another thread when it has to
        end."""
        with self._starting:
            self._interrupted = True
        if self._child is not None and self._child.returncode is None:
            _kill(self._child)

    def close(self) -> None:
        """Nothing is held back."""
        self._closed = True

    def _started(self, notice: Notice) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._interrupted:
                raise UnavailableError("not run, for this sink has to end")
            # A group of its own, so that children of a shell are killed with it.
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **environment(notice)},
                start_new_session=True,
            )
        return self._child


def environment(notice: Notice) -> dict[str, str]:
    """KWS_EVENT with the whole line, and KWS_NAME, KWS_SCORE and so on: one variable for each plain field."""
    plain = {name: value for name, value in fields_of(notice).items() if isinstance(value, (str, int, float))}
    values = {f"KWS_{name.upper()}": _text(value) for name, value in plain.items()}
    return {**values, "KWS_EVENT": notice.to_json()}


def open_uri(uri: str, options: Options) -> Command:
    """The program of that command line; raises KwsError if it is not there."""
    line = uri.partition(":")[2]
    words = ["/bin/sh", "-c", line] if options.shell else _words(uri, line)
    if not words or not shutil.which(words[0]):
        program = words[0] if words else ""
        raise KwsError(f'{uri}: there is no program "{program}"; name one with its full path')
    return Command(words, options.timeout_seconds)


def check_uri(uri: str, options: Options) -> None:
    """Whether the program is there, of a shell's line the shell alone; raises KwsError if not."""
    open_uri(uri, options)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def uri_problem(uri: str) -> str:
    """How it is written, if this names nothing to run."""
    return "" if uri.partition(":")[2].strip() else "command:/usr/bin/aplay ding.wav"


def _words(uri: str, line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise KwsError(f"{uri}: cannot be split into words ({error}); close the quotes") from error


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\0", "")

"""What reads bytes of strangers, each as a function that takes any bytes.

A function tells whether the bytes were good, or refused in the one line that a user is promised. Any
exception is a finding.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import fuzz_seeds as seeds
from wyoming.event import write_event
from wyoming.info import Info

from kws.bundle import read_bundle
from kws.config import load_config
from kws.errors import BundleError, ConfigError, GrammarError, KwsError, SourceError
from kws.events import Detection, Event, Partial, Transcript
from kws.grammar.compile import compile_grammar
from kws.grammar.expression import Grammar
from kws.grammar.jsgf import parse_jsgf
from kws.grammar.templates import parse_templates
from kws.manifest import is_recognizer
from kws.recognition.bundle import read_recognizer
from kws.recognition.tokens import CHARACTERS
from kws.servers.conversation import Conversation
from kws.servers.wyoming_wire import Limits, WireError, read_event
from kws.sources import open_source
from kws.sources.wav import WavSource
from kws.types import SAMPLE_RATE, Block, Source

LIMITS = Limits(message_seconds=60.0)
DETECTION = Detection("computer", score=0.9, threshold=0.5, start=0.1, end=0.5)
PARTIAL = Partial("lights on", confidence=0.8, start=0.0, end=0.4, stable=1)
TRANSCRIPT = Transcript("lights on", confidence=0.9, start=0.0, end=0.5)


@dataclass(frozen=True)
class Target:
    """A reader."""

    take: Callable[[bytes], bool]
    """Whether the bytes were good."""
    seeds: Callable[[], Sequence[bytes]]
    """Good input to begin with."""
    words: Callable[[], Sequence[str]]
    """What its language is made of."""


def take_wav(content: bytes) -> bool:
    """As a recording, heard to its end by soundfile, and by the reader that does without it."""
    path = _written(content, "input.wav")

    def hear(source: Source) -> None:
        with source as blocks:
            for block in blocks:
                assert block.pcm.ndim == 1

    plain = _accepts(lambda: hear(WavSource(str(path))), SourceError, str(path))
    return _accepts(lambda: hear(open_source(path)), SourceError, str(path)) or plain


def take_manifest(content: bytes) -> bool:
    """As a wake word's and as a recognizer's."""
    path = _written(content, "input.json")
    as_recognizer = _accepts(lambda: read_recognizer(path), BundleError, str(path))
    assert is_recognizer(path) or not as_recognizer
    return _accepts(lambda: read_bundle(path), BundleError, str(path)) or as_recognizer


def take_configuration(content: bytes) -> bool:
    """As the daemon's."""
    path = _written(content, "kws.toml")
    return _accepts(lambda: load_config(path), ConfigError, str(path))


def take_wyoming(content: bytes) -> bool:
    """As all that one client sends; every answer is written down as it would be sent."""
    return _accepts(lambda: asyncio.run(_converse(content)), WireError, "")


def take_jsgf(content: bytes) -> bool:
    """As a grammar beside another one, down to the graph that a decoder walks."""
    _written(seeds.JSGF_LIBRARY.encode(), "library.jsgf")
    path = _written(content, "grammar.jsgf")
    text = content.decode("utf-8", "replace")
    return _compiles(lambda text, place: parse_jsgf(text, place, folder=path.parent), text, str(path))


def take_templates(content: bytes) -> bool:
    """As a file of templates, and as one template in a good file."""
    text = content.decode("utf-8", "replace")
    as_file = _compiles(parse_templates, text)
    return _compiles(parse_templates, seeds.TEMPLATE_FILE.format(json.dumps(text))) or as_file


TARGETS = {
    "wav": Target(take_wav, seeds.recordings, seeds.recording_words),
    "manifest": Target(take_manifest, seeds.manifests, seeds.manifest_words),
    "configuration": Target(take_configuration, seeds.configurations, seeds.configuration_words),
    "wyoming": Target(take_wyoming, seeds.conversations, seeds.conversation_words),
    "jsgf": Target(take_jsgf, seeds.jsgf_grammars, seeds.jsgf_words),
    "templates": Target(take_templates, seeds.templates, seeds.template_words),
}


def _accepts(read: Callable[[], object], kind: type[KwsError], place: str) -> bool:
    """Whether this raises no error of that kind; if it does, it must be a line that begins with `place`."""
    try:
        read()
    except kind as error:
        text = str(error)
        assert text.startswith(place), f"does not begin with {place!r}: {text!r}"
        assert "\n" not in text, f"is more than one line: {text!r}"
        return False
    return True


def _compiles(parse: Callable[[str, str], Grammar], text: str, place: str = "grammar") -> bool:
    return _accepts(lambda: compile_grammar(parse(text, place), CHARACTERS), GrammarError, f"{place}:")


async def _converse(content: bytes) -> bool:
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    conversation = Conversation(_Ears())
    while (event := await read_event(reader, LIMITS)) is not None:
        for answer in conversation.push(event):
            write_event(answer, BytesIO())


class _Ears:
    """Hears a word, or two, in any audio."""

    info = Info()
    names = ("computer",)

    def wake(self) -> _Listener:
        return _Listener([DETECTION])

    def dictation(self) -> _Listener:
        return _Listener([PARTIAL, TRANSCRIPT])


class _Listener:
    def __init__(self, heard: list[Event]) -> None:
        self._heard = heard
        self._samples = 0

    def take(self, block: Block, /) -> bool:
        before, self._samples = self._samples, self._samples + len(block.pcm)
        self._ready = self._samples // SAMPLE_RATE > before // SAMPLE_RATE
        return self._ready

    def told(self) -> list[Event]:
        return self._heard if self._ready else []

    def flush(self) -> list[Event]:
        return self._heard

    def reset(self) -> None:
        self._samples = 0


def _written(content: bytes, name: str) -> Path:
    path = _folder() / name
    path.write_bytes(content)
    return path


@lru_cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="kws-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)

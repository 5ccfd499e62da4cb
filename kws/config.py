"""The daemon's configuration: one TOML file, every key checked and documented."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kws.addresses import is_loopback, split_address
from kws.config_keys import (
    ArbitrationSettings,
    AudioSettings,
    DaemonSettings,
    HttpSettings,
    ModelSettings,
    RecordingSettings,
    SinkSettings,
    SpeechSettings,
    WyomingSettings,
)
from kws.errors import ConfigError, KwsError
from kws.settings import Group, Key, document, in_toml, read_group
from kws.sinks import MODULES, check_sink, options_of, uri_problem

Item = TypeVar("Item")

DEFAULT_MODEL = "computer"
DEFAULT_SINK = "stdout:"


@dataclass(frozen=True)
class Sink:
    """A sink, with the keys of its own scheme."""

    settings: SinkSettings
    options: Any
    """An instance of its module's Options."""


@dataclass(frozen=True)
class Config:
    """A whole file."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    model: tuple[ModelSettings, ...] = (ModelSettings(DEFAULT_MODEL),)
    sink: tuple[Sink, ...] = field(default_factory=lambda: (_default_sink(),))
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    wyoming: WyomingSettings = field(default_factory=WyomingSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    arbitration: ArbitrationSettings = field(default_factory=ArbitrationSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)


TABLES: dict[str, type[Any]] = {
    "audio": AudioSettings,
    "speech": SpeechSettings,
    "http": HttpSettings,
    "wyoming": WyomingSettings,
    "recording": RecordingSettings,
    "arbitration": ArbitrationSettings,
    "daemon": DaemonSettings,
}
"""Tables that stand once; `[[model]]` and `[[sink]]` may stand several times."""


def load_config(path: str | os.PathLike[str] | None) -> Config:
    """The checked configuration; None: the defaults, microphone, bundled wake word, standard output.

    Raises:
        ConfigError: the file cannot be read or says something that is not allowed.
    """
    if path is None:
        return Config()
    place = os.fspath(path)
    return read_config(_parsed(place, _bytes(place)), place)


def read_config(content: Mapping[str, Any], place: str) -> Config:
    """The checked configuration of a parsed file; `place` is its name in errors; raises ConfigError."""
    allowed = [*TABLES, "model", "sink"]
    for name in content:
        if name not in allowed:
            raise ConfigError(f"{place}: {name}: no such table; allowed are {', '.join(sorted(allowed))}")
    groups = {name: _read_table(group, content, name, place) for name, group in TABLES.items()}
    config = Config(
        **groups,
        model=tuple(_read_models(content, place)) or Config().model,
        sink=tuple(_read_sinks(content, place)) or Config().sink,
    )
    _check_exposure(config, place)
    _check_announcement(config, place)
    _check_speech(config.speech, place)
    _check_spools(config.sink, place)
    return config


def check_sinks(config: Config, place: str) -> None:
    """Whether what the sinks need is on this computer; raises ConfigError with what is missing first."""
    for number, sink in enumerate(config.sink, 1):
        try:
            check_sink(sink.settings.uri, sink.options)
        except KwsError as error:
            raise ConfigError(f"{place}: sink {number}: uri: {error}") from error


def documented() -> Iterator[Key]:
    """Every key there is, in the order of the documentation."""
    yield from document(AudioSettings, "audio.")
    yield from document(ModelSettings, "model.")
    yield from document(SpeechSettings, "speech.")
    yield from document(SinkSettings, "sink.")
    for schemes, options in _options_by_schemes().items():
        yield from document(options, f"sink. ({schemes}) ")
    yield from document(HttpSettings, "http.")
    yield from document(WyomingSettings, "wyoming.")
    yield from document(RecordingSettings, "recording.")
    yield from document(ArbitrationSettings, "arbitration.")
    yield from document(DaemonSettings, "daemon.")


def _bytes(place: str) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{place}: cannot be read ({error.strerror}); give the path of a TOML file"
        ) from error


def _parsed(place: str, content: bytes) -> dict[str, Any]:
    # tomllib came with Python 3.11; before, the same parser is called tomli.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        parsed: dict[str, Any] = toml.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place}: is no UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise ConfigError(f"{place}: is no TOML ({reason}); mend that place") from error
    return parsed


def _read_table(group: type[Group], content: Mapping[str, Any], name: str, place: str) -> Group:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{place}: {name}: found {in_toml(table)}; allowed is a table, written [{name}]")
    return read_group(group, table, f"{place}: {name}.")


def _tables(content: Mapping[str, Any], name: str, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of one [[name]], each with its place."""
    tables = content.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{place}: {name}: found {in_toml(tables)}; allowed are tables, written [[{name}]]")
    for number, table in enumerate(tables, 1):
        yield f"{place}: {name} {number}: ", table


def _read_models(content: Mapping[str, Any], place: str) -> Iterator[ModelSettings]:
    for where, table in _tables(content, "model", place):
        yield read_group(ModelSettings, table, where)


def _read_sinks(content: Mapping[str, Any], place: str) -> Iterator[Sink]:
    common = SinkSettings.__dataclass_fields__
    for where, table in _tables(content, "sink", place):
        ours = {key: value for key, value in table.items() if key in common}
        settings = read_group(SinkSettings, ours, where)
        try:
            options = options_of(settings.uri)
        except KwsError as error:
            raise ConfigError(f"{where}uri: {error}") from error
        if settings.uri.startswith("memory:"):
            raise ConfigError(
                f"{where}uri: found {in_toml(settings.uri)}, which keeps all events for ever and is for "
                "programs that read them; name another sink"
            )
        if problem := uri_problem(settings.uri):
            raise ConfigError(f"{where}uri: found {in_toml(settings.uri)}; allowed is {problem}")
        own = {key: value for key, value in table.items() if key not in common}
        for key in own:
            if key not in options.__dataclass_fields__:
                allowed = ", ".join(sorted([*common, *options.__dataclass_fields__]))
                raise ConfigError(f"{where}{key}: no such key for {settings.uri}; allowed are {allowed}")
        yield Sink(settings, read_group(options, own, where))


def _check_exposure(config: Config, place: str) -> None:
    http = config.http
    if http.address and not http.token_file and not is_loopback(split_address(http.address)[0]):
        raise ConfigError(
            f"{place}: http.address: found {in_toml(http.address)}, which other computers reach; "
            "set http.token_file too, or listen on 127.0.0.1"
        )


def _check_announcement(config: Config, place: str) -> None:
    wyoming = config.wyoming
    if wyoming.zeroconf and not wyoming.uri.startswith("tcp://"):
        raise ConfigError(
            f"{place}: wyoming.zeroconf: found true, but only tcp:// can be announced and wyoming.uri is "
            f"{in_toml(wyoming.uri)}; leave zeroconf out, or change wyoming.uri"
        )


def _check_speech(speech: SpeechSettings, place: str) -> None:
    """What is said of a recognizer that is not there would be passed over in silence."""
    for key, value in vars(speech).items():
        if not speech.recognizer and value != getattr(SpeechSettings(), key):
            raise ConfigError(
                f"{place}: speech.{key}: found {in_toml(value)}, but there is no recognizer; "
                f"set speech.recognizer too, or leave {key} out"
            )


def _check_spools(sinks: Iterable[Sink], place: str) -> None:
    """Each sink finds its own events there."""
    taken: set[str] = set()
    for number, sink in enumerate(sinks, 1):
        spool = sink.settings.spool
        if spool and os.path.abspath(spool) in taken:
            raise ConfigError(
                f"{place}: sink {number}: spool: found {in_toml(spool)}, which another sink has; "
                "name a file for each"
            )
        taken.add(os.path.abspath(spool))


def _default_sink() -> Sink:
    return Sink(SinkSettings(DEFAULT_SINK), options_of(DEFAULT_SINK)())


def _options_by_schemes() -> dict[str, type[Any]]:
    """The Options of each module that has keys, under its schemes: "http, https"."""
    modules = {module: options_of(f"{scheme}:") for scheme, module in MODULES.items()}
    return {
        ", ".join(scheme for scheme in MODULES if MODULES[scheme] == module): options
        for module, options in modules.items()
        if options.__dataclass_fields__
    }

"""The daemon's configuration: one TOML file, every key checked and documented."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kws.errors import ConfigError, KwsError
from kws.events import EVENT_TYPES
from kws.settings import Group, Key, document, in_toml, read_group, setting
from kws.sinks import MODULES, options_of

Item = TypeVar("Item")

DEFAULT_MODEL = "computer"
DEFAULT_SINK = "stdout:"


@dataclass(frozen=True)
class AudioSettings:
    """What is listened to."""

    source: str = setting("mic:", 'source of the audio: "mic:", "mic:NAME", a file, "-" for raw PCM')
    rate: int | None = setting(None, "sample rate, if not the device's own", least=1_000, most=384_000)
    channels: int | None = setting(None, "channels, if not the device's own", least=1, most=64)
    silence_seconds: float = setting(
        30.0,
        "a microphone that delivers nothing but zeros for so long is opened again; 0: never",
        least=0,
        most=86_400,
    )


@dataclass(frozen=True)
class ModelSettings:
    """One wake word."""

    name: str = setting(meaning="bundled name or path of a model")
    threshold: float | None = setting(
        None, "score at which it counts as heard, if not the model's own", least=0, most=1
    )


@dataclass(frozen=True)
class SpeechSettings:
    """What may be said after a wake word."""

    recognizer: str = setting("", 'bundled name or path of a recognizer; "" for wake words alone')
    grammar: str = setting("", 'sentences to listen for, .jsgf or .yaml; "" for anything')
    threshold: float | None = setting(
        None, "confidence from which a sentence counts as said, if not the recognizer's own", least=0, most=1
    )


@dataclass(frozen=True)
class SinkSettings:
    """One place that events go to."""

    uri: str = setting(meaning="where: one of the schemes below")
    events: tuple[str, ...] = setting(
        (), "types of event it gets; none named: all", choices=tuple(EVENT_TYPES)
    )
    queue: int = setting(
        100, "events held for it; when they are more, the oldest is dropped", least=1, most=100_000
    )
    retry_seconds: float = setting(
        60.0, "how long an event is tried again while the other side is away", least=0, most=86_400
    )


@dataclass(frozen=True)
class HttpSettings:
    """The page, the figures and the state."""

    address: str = setting(
        "127.0.0.1:10480", 'where to listen; "" for nowhere', check=lambda text: _address_problem(text)
    )
    token_file: str = setting("", "file with the token that other computers must show; needed off loopback")


@dataclass(frozen=True)
class WyomingSettings:
    """The Wyoming server beside the microphone."""

    uri: str = setting("", '"tcp://127.0.0.1:10400" or "unix:///PATH"; "" for none')
    zeroconf: bool = setting(False, "announce it in the local network, so that Home Assistant finds it")


@dataclass(frozen=True)
class RecordingSettings:
    """Audio kept on disk; none unless asked for."""

    folder: str = setting("", 'where; "" for nowhere: nothing is ever recorded then')
    each_detection: bool = setting(False, "keep the audio around every wake word")
    before_seconds: float = setting(2.0, "of it, from before the word's end", least=0, most=20)
    after_seconds: float = setting(3.0, "and from after it", least=0, most=60)
    keep: int = setting(1_000, "files kept of each kind; the oldest go", least=1, most=1_000_000)


@dataclass(frozen=True)
class ArbitrationSettings:
    """Several daemons in one home, of which the one that hears best answers."""

    group: str = setting(
        "",
        'multicast group on which they agree, "239.255.75.87:10481"; "" for every one answers',
        check=lambda text: _address_problem(text),
    )
    window_seconds: float = setting(
        0.2, "how long a detection waits for what the others say", least=0.01, most=2
    )
    interface: str = setting("", "address of the network to do it on, if not the default one")


@dataclass(frozen=True)
class DaemonSettings:
    """The process."""

    log_level: str = setting(
        "info", "how much is logged to standard error", choices=("debug", "info", "warning", "error")
    )


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
    return config


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


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches that address; names other than localhost are taken for public."""
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def split_address(address: str) -> tuple[str, int]:
    """("127.0.0.1", 10480) of "127.0.0.1:10480"; ValueError if it is none."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(address)
    return host.strip("[]"), int(port)


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


def _address_problem(text: str) -> str:
    try:
        if text:
            split_address(text)
    except ValueError:
        return 'HOST:PORT, for example "127.0.0.1:10480", or ""'
    return ""


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

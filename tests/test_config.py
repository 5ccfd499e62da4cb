"""The configuration: what it means, and that every mistake is named with file, key, found and allowed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kws.config import Config, documented, load_config, read_config
from kws.errors import ConfigError
from kws.sinks import MODULES, options_of

EXAMPLE = """
[audio]
source = "mic:USB"
silence_seconds = 5

[[model]]
name = "computer"

[[model]]
name = "models/jarvis.json"
threshold = 1

[[sink]]
uri = "stdout:"
events = ["detection"]

[[sink]]
uri = "mqtt://localhost/kws"
format = "hermes"
retry_seconds = 10

[http]
address = "0.0.0.0:80"
token_file = "/etc/kws/token"
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "kws.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problem(folder: Path, text: str | bytes) -> str:
    """The error's text without the file, which it has to begin with."""
    path = written(folder, text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)[len(f"{path}: ") :]


def test_without_a_file_the_microphone_the_bundled_word_and_standard_output() -> None:
    config = load_config(None)
    assert config.audio.source == "mic:"
    assert [model.name for model in config.model] == ["computer"]
    assert [sink.settings.uri for sink in config.sink] == ["stdout:"]
    assert config.http.address == "127.0.0.1:10480"
    assert config.wyoming.uri == ""


def test_an_empty_file_means_the_same(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")) == load_config(None) == Config()


def test_what_is_written_is_meant(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, EXAMPLE))
    assert (config.audio.source, config.audio.silence_seconds) == ("mic:USB", 5.0)
    assert [(model.name, model.threshold) for model in config.model] == [
        ("computer", None),
        ("models/jarvis.json", 1.0),
    ]
    assert isinstance(config.model[1].threshold, float)
    first, second = config.sink
    assert first.settings.events == ("detection",)
    assert (second.options.format, second.options.site) == ("hermes", "default")
    assert (second.settings.retry_seconds, second.settings.queue) == (10.0, 100)


MISTAKES = {
    "[audoi]": (
        "audoi: no such table",
        "arbitration, audio, daemon, http, model, recording, sink, speech, wyoming",
    ),
    "[audio]\nvolume = 1": ("audio.volume: no such key", "silence_seconds"),
    "[audio]\nsource = 3": ("audio.source: found 3", "a text"),
    "[audio]\nrate = 44100.0": ("audio.rate: found 44100", "a whole number from 1000 to 384000"),
    "[audio]\nrate = true": ("audio.rate: found true", "a whole number"),
    "[audio]\nchannels = 65": ("audio.channels: found 65", "1 to 64"),
    "[audio]\nsilence_seconds = nan": ("audio.silence_seconds: found nan", "0 to 86400"),
    "[audio]\nsilence_seconds = -inf": ("audio.silence_seconds: found -inf", "0 to 86400"),
    "[audio]\nsilence_seconds = 07:32:00": ("audio.silence_seconds: found 07:32:00", "a number"),
    "audio = 1": ("audio: found 1", "a table, written [audio]"),
    "[[audio]]": ("audio: found [a table]", "a table, written [audio]"),
    "[model]": ("model: found a table", "tables, written [[model]]"),
    "model = [1]": ("model: found [1]", "tables, written [[model]]"),
    "[[model]]": ("model 1: name: is missing", "give a text"),
    '[[model]]\nname = "a"\n[[model]]\nname = "b"\nthreshold = 1.5': (
        "model 2: threshold: found 1.5",
        "a number from 0 to 1",
    ),
    '[[model]]\nname = "a"\nconfirm = ""': (
        'model 1: confirm: found ""',
        'recognizer or a model, "none", or "auto"',
    ),
    "[[sink]]\nqueue = 1": ("sink 1: uri: is missing", "give a text"),
    '[[sink]]\nuri = "pigeon:"': ("sink 1: uri: pigeon:", "one of command:"),
    '[[sink]]\nuri = "stdout:"\nqueue = 0': ("sink 1: queue: found 0", "1 to 100000"),
    '[[sink]]\nuri = "stdout:"\nevents = "detection"': ('sink 1: events: found "detection"', "a list of"),
    '[[sink]]\nuri = "stdout:"\nevents = ["noise"]': ('sink 1: events: found ["noise"]', '"gap"'),
    '[[sink]]\nuri = "stdout:"\nshell = true': ("sink 1: shell: no such key for stdout:", "queue"),
    '[[sink]]\nuri = "command:true"\nshell = 1': ("sink 1: shell: found 1", "true or false"),
    '[[sink]]\nuri = "unix:/a"\nmode = "999"': ('sink 1: mode: found "999"', "octal"),
    '[[sink]]\nuri = "unix:a"\nspool = "s"\n[[sink]]\nuri = "unix:b"\nspool = "./s"': (
        'sink 2: spool: found "./s", which another sink has',
        "name a file for each",
    ),
    '[[sink]]\nuri = "mqtt://a"\nformat = "xml"': ('sink 1: format: found "xml"', '"json", "hermes"'),
    '[http]\naddress = "10480"': ('http.address: found "10480"', "HOST:PORT"),
    '[http]\naddress = "localhost:65536"': ('http.address: found "localhost:65536"', "HOST:PORT"),
    '[http]\naddress = "0.0.0.0:10480"': ("http.address", "set http.token_file too"),
    '[http]\naddress = "kitchen:10480"': ("http.address", "set http.token_file too"),
    '[wyoming]\nuri = "kitchen:10400"': ('wyoming.uri: found "kitchen:10400"', "tcp://HOST:PORT"),
    '[wyoming]\nuri = "unix:///x"\nzeroconf = true': ("wyoming.zeroconf: found true", "leave zeroconf out"),
    '[[sink]]\nuri = "memory:"': ('sink 1: uri: found "memory:"', "name another sink"),
    '[wyoming]\nuri = "stdio://"': ('wyoming.uri: found "stdio://"', "unix:///PATH"),
    '[arbitration]\ngroup = "192.168.1.1:10481"': (
        'arbitration.group: found "192.168.1.1:10481"',
        "an IPv4 multicast group",
    ),
    '[arbitration]\ninterface = "eth0"': ('arbitration.interface: found "eth0"', "an IPv4 address"),
    '[[sink]]\nuri = "mqtt://"': ('sink 1: uri: found "mqtt://"', "mqtt://HOST:1883/TOPIC"),
    '[audio]\nsource = ""': ('audio.source: found ""', '"mic:", a file, or "-"'),
    '[speech]\ngrammar = "lights.jsgf"': ('speech.grammar: found "lights.jsgf"', "set speech.recognizer too"),
    "[speech]\nthreshold = 0.5": ("speech.threshold: found 0.5", "or leave threshold out"),
    '[[sink]]\nuri = "command: "': ('sink 1: uri: found "command: "', "command:/usr/bin"),
    '[[sink]]\nuri = "unix:"': ('sink 1: uri: found "unix:"', "unix:/run/kws/events"),
    '[[sink]]\nuri = "stdout:1"': ('sink 1: uri: found "stdout:1"', '"stdout:"'),
    '[[sink]]\nuri = "jsonl:"': ('sink 1: uri: found "jsonl:"', "jsonl:PATH"),
    '[[sink]]\nuri = "-"': ('sink 1: uri: found "-"', '"stdout:"'),
    "[recording]\nkeep = 0": ("recording.keep: found 0", "from 1 to 1000000"),
    '[[sink]]\nuri = "https:hook"': ('sink 1: uri: found "https:hook"', "https://HOST/PATH"),
    '[[sink]]\nuri = "wyoming://a"': ('sink 1: uri: found "wyoming://a"', "wyoming://HOST:PORT"),
    '[daemon]\nlog_level = "loud"': ('daemon.log_level: found "loud"', '"warning"'),
    "[audio": ("is no TOML", "mend that place"),
    "a = 1\na = 2": ("is no TOML", "mend that place"),
    "a = " + "[" * 5000: ("is no TOML", "mend that place"),
    "a = 1" + "0" * 5000: ("is no TOML", "mend that place"),
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:50])
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(tmp_path: Path, text: str) -> None:
    begin, allowed = MISTAKES[text]
    said = problem(tmp_path, text)
    assert said.startswith(begin)
    assert allowed in said


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    assert problem(tmp_path, b'a = "\xff"').startswith("is no UTF-8 text (byte 5)")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"kws\.toml: cannot be read \(No such file"):
        load_config(tmp_path / "kws.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.3.2.1:0", "[::1]:80", "localhost:80", ""])
def test_loopback_needs_no_token(address: str) -> None:
    assert read_config({"http": {"address": address}}, "x").http.address == address


def test_every_key_is_documented() -> None:
    keys = list(documented())
    assert all(key.allowed and key.meaning for key in keys)
    assert len({key.name for key in keys}) == len(keys)
    names = " ".join(key.name for key in keys)
    for scheme in MODULES:
        for option in options_of(f"{scheme}:").__dataclass_fields__:
            assert f") {option}" in names


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    """What the table says of a key can be written into a file, and changes nothing."""
    lines = [key for key in documented() if key.default and not key.name.startswith(("sink.", "model."))]
    text = "".join(f"{key.name} = {key.default}\n" for key in lines)
    assert len(lines) > 5
    assert load_config(written(tmp_path, text)) == Config()


plain: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = plain | st.lists(plain, max_size=2) | st.dictionaries(st.text(max_size=3), plain, max_size=2)
names = st.sampled_from([key.name.rpartition(".")[2].rpartition(" ")[2] for key in documented()])
uris = st.sampled_from([f"{scheme}:" for scheme in MODULES]) | st.text(max_size=8)
tables = st.dictionaries(names, values | uris, max_size=3) | values
top = st.dictionaries(
    st.sampled_from(["audio", "model", "sink", "http", "wyoming", "daemon", "x"]),
    tables | st.lists(tables, max_size=2),
    max_size=3,
)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patient
@given(top)
def test_any_content_gives_a_configuration_or_a_config_error(content: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(read_config(content, "kws.toml"), Config)


@patient
@given(st.binary(max_size=200))
def test_any_bytes_give_a_configuration_or_a_config_error(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        assert isinstance(load_config(path), Config)

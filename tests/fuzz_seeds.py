"""Good input of every kind that is read, made by code, and the words that it consists of."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable, write_event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.wake import Detect

from kws.bundle import MODELS
from kws.config import DEFAULT_MODEL, documented

GRAMMARS = Path(__file__).parents[1] / "examples" / "grammars"
TEMPLATE_FILE = "intents:\n  Test:\n    data:\n      - sentences:\n          - {}\n"
WAV_SUBTYPES = (
    *("PCM_16", "PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"),
    *("ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"),
)


def recordings() -> list[bytes]:
    """A short noise in every encoding of WAV, and in its relatives."""
    noise = np.random.default_rng(0).normal(0, 0.1, 400)
    plain = [recording(noise, subtype) for subtype in WAV_SUBTYPES]
    stereo = recording(np.stack([noise, noise], axis=1), "PCM_16", 44_100)
    relatives = [recording(noise, "PCM_16", 8_000, container) for container in ("WAVEX", "RF64", "W64")]
    return [*plain, stereo, *relatives]


def recording(samples: np.ndarray, subtype: str, rate: int = 16_000, container: str = "WAV") -> bytes:
    """A file of these samples, 1 at full scale."""
    file = BytesIO()
    soundfile.write(file, samples, rate, subtype, format=container)
    return file.getvalue()


def recording_words() -> list[str]:
    """Names of chunks; numbers that stand at limits."""
    return ["RIFF", "RF64", "WAVE", "fmt ", "data", "LIST", "fact", "ds64", "PEAK", "bext", "cue ", "smpl"]


def manifests() -> list[bytes]:
    """Those of the bundled models, without their long tables."""
    paths = sorted(MODELS.glob("*.json"))
    return [json.dumps(_shortened(json.loads(path.read_text()))).encode() for path in paths]


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(part) for key, part in value.items() if key != "card"}
    return [_shortened(part) for part in value[:2]] if isinstance(value, list) else value


def manifest_words() -> list[str]:
    """The strings of the manifests."""
    return _distinct(r'"[^"]{1,40}"', manifests())


def configurations() -> list[bytes]:
    """One file with every key at its default, and some that say something else."""
    return [_all_keys().encode(), *(text.encode() for text in CONFIGURATIONS)]


CONFIGURATIONS = (
    '[audio]\nsource = "-"\nrate = 16000\nchannels = 1\n[[model]]\nname = "jarvis"\nthreshold = 0.5\n',
    '[[sink]]\nuri = "mqtt://user@127.0.0.1:1883/kws"\nevents = ["detection"]\nqueue = 5\n',
    '[[sink]]\nuri = "jsonl:/tmp/events"\nkeep = 2\n[[sink]]\nuri = "https://127.0.0.1/hook"\n',
    '[http]\naddress = "[::1]:80"\n[wyoming]\nuri = "tcp://0.0.0.0:10400"\nzeroconf = true\n',
    '[arbitration]\ngroup = "239.255.75.87:10481"\n[daemon]\nlog_level = "debug"\n',
)


def _all_keys() -> str:
    lines = [f'[[model]]\nname = "{DEFAULT_MODEL}"', '[[sink]]\nuri = "stdout:"']
    for key in documented():
        table, _, name = key.name.partition(".")
        if key.default and " " not in key.name and table not in ("model", "sink"):
            lines += [f"[{table}]"] * (f"[{table}]" not in lines) + [f"{name} = {key.default}"]
    return "\n".join(lines) + "\n"


def configuration_words() -> list[str]:
    """Keys, and what stands in the files above."""
    keys = [re.split(r"[. )]+", key.name)[-1] for key in documented()]
    return [*dict.fromkeys(keys), *_distinct(r'"[^"]{1,40}"|\[+\w+\]+', configurations())]


def conversations() -> list[bytes]:
    """What clients send."""
    audio = _chunks(range(3))
    wide = [AudioChunk(44_100, 4, 2, bytes(8 * 400)).event(), AudioChunk(8_000, 1, 1, bytes(40)).event()]
    return [
        _sent(Describe(), Ping("here")),
        _sent(Detect(["computer"]), AudioStart(16_000, 2, 1), *audio, AudioStop()),
        _sent(Transcribe(), AudioStart(16_000, 2, 1), *audio, AudioStop()),
        _sent(Detect(), *wide, AudioStop()),
    ]


def _chunks(numbers: Sequence[int]) -> list[Event]:
    return [AudioChunk(16_000, 2, 1, bytes(1_000), timestamp=1_000 * number).event() for number in numbers]


def _sent(*events: Eventable | Event) -> bytes:
    stream = BytesIO()
    for event in events:
        write_event(event if isinstance(event, Event) else event.event(), stream)
    return stream.getvalue()


def conversation_words() -> list[str]:
    """Types and keys."""
    return _distinct(r'"[^"]{1,30}"', conversations())


def jsgf_grammars() -> list[bytes]:
    """The examples, and one of each construction."""
    written = [JSGF.encode(), JSGF_IMPORTS.encode()]
    return [path.read_bytes() for path in sorted(GRAMMARS.glob("*.jsgf"))] + written


JSGF = """#JSGF V1.0 UTF-8 en;
grammar test;
// a comment
public <order> = [please] (turn | /2.5/ switch {act=switch}) <what>* {thing} /* or */ | <NULL> "on and off"+;
<what> = the <colour> lamp; <colour> = red {c} | green;
"""
JSGF_LIBRARY = """#JSGF V1.0; grammar library; import <grammar.*>;
public <room> = the (<hidden> | hall); <hidden> = attic; public <any> = <room>+ {room};
"""
"""What lies beside a grammar as library.jsgf, while that is grammar.jsgf."""
JSGF_IMPORTS = """#JSGF V1.0; grammar grammar; import <library.room>; import <library.*>;
public <a> = light <room> | <library.any> | <grammar.b>; <b> = all;
"""


def jsgf_words() -> list[str]:
    """Whatever the notation knows."""
    marks = ("#JSGF V1.0;", "grammar g;", "public ", "<a> = ", "<NULL>", "<VOID>", "{x=y}", "{x}", "/2/", '"')
    return [
        *marks,
        *";=|()[]*+",
        "//",
        "/*",
        "*/",
        "import <a.b>;",
        "import <library.*>;",
        "<library.room>",
        "grammar grammar;",
    ]


def templates() -> list[bytes]:
    """The examples, one file of each construction, and single templates."""
    files = [path.read_bytes() for path in sorted(GRAMMARS.glob("*.yaml"))]
    return [*files, TEMPLATES.encode(), *(line.encode() for line in SENTENCES)]


SENTENCES = (
    "turn (on|off) [the] light[s]",
    "set {10..30,10:level} percent in {1..5,2}",
    "(one;[two];three) (a|b)c {1..2:count}nd",
)
TEMPLATES = """language: en
intents:
  Light:
    data:
      - sentences: ["[<please>] turn {state} (the;my) lamp[s]", "dim to {level:bright}", "ask {any}['s] now"]
        slots: {domain: light}
lists:
  state:
    values: ["on", {in: "(off|out)", out: "off"}]
  level:
    range: {from: 0, to: 100, step: 10, multiplier: 2.5}
  any: {wildcard: true}
expansion_rules:
  please: "please|be so kind"
skip_words: [now]
"""


def template_words() -> list[str]:
    """Keys, brackets, YAML's own marks."""
    keys = ("intents:", "data:", "sentences:", "lists:", "values:", "range:", "from:", "to:", "step:")
    more = ("multiplier:", "in:", "out:", "slots:", "expansion_rules:", "skip_words:", "wildcard: true")
    return [
        *keys,
        *more,
        "<please>",
        "{state}",
        "{any}",
        *"()[]{}|;<>:",
        "..",
        "{1..5}",
        "&a ",
        "*a",
        "- ",
        "\n  ",
        "\\",
        "!!binary ",
    ]


def _distinct(pattern: str, texts: Sequence[bytes]) -> list[str]:
    found = re.findall(pattern, b"\n".join(texts).decode("utf-8", "replace"))
    return list(dict.fromkeys(found))[:200]

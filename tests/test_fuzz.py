"""Bytes of strangers, whatever they are: an answer or a refusal in one line, and soon."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("hassil")

from fuzz_seeds import TEMPLATE_FILE, manifests, recording
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kws.errors import SourceError
from kws.sources.wav import WavSource

HEADER = "#JSGF V1.0; grammar g; "


def template(text: str, more: str = "") -> str:
    return TEMPLATE_FILE.format(json.dumps(text)) + more


def number_list(**keys: object) -> str:
    return template("{x}", f"lists:\n  x:\n    range: {json.dumps(keys)}\n")


def rules_in_rules(count: int, body: str) -> str:
    """Each rule names the next one twice: as one text it would have 2^count words."""
    rules = "".join(f"  r{number}: '<r{number + 1}> <r{number + 1}>'\n" for number in range(count))
    return template("(<r0>;x)", f"expansion_rules:\n{rules}  r{count}: '{body}'\n")


ALIASES = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
REFUSED = {
    "brackets 3000 deep": ("jsgf", HEADER + "public <a> = " + "(" * 3000 + "x" + ")" * 3000 + ";"),
    "3000 repetitions of repetitions": ("jsgf", HEADER + "public <a> = x" + "*" * 3000 + ";"),
    "2000 rules in one another": (
        "jsgf",
        HEADER + "".join(f"public <r{n}> = <r{n + 1}>;" for n in range(2000)) + "<r2000> = x;",
    ),
    "a rule of a grammar whose name no file can have": (
        "jsgf",
        HEADER + f"public <a> = <{'b' * 300}.c> | <{'b.' * 3000}c>;",
    ),
    "an imported grammar whose name no path can have": (
        "jsgf",
        HEADER + f"import <{'b.' * 3000}c>; public <a> = x;",
    ),
    "a character 0 in the name of a grammar": ("jsgf", HEADER + "public <a> = <\u0000\u00ff.b.c>;"),
    "a weight of 400 digits": ("jsgf", HEADER + f"public <a> = /{'9' * 400}/ x | /1/ y;"),
    "2000 optional words in a row": ("jsgf", HEADER + "public <a> = " + "[a] " * 2000 + ";"),
    "templates 2000 deep": ("templates", template("(" * 2000 + "x" + ")" * 2000)),
    "a billion numbers": ("templates", template("{1..999999999}")),
    "numbers of 5000 digits": ("templates", template(f"{{{'1' * 5000}..5}}")),
    "eight lists of 10000 numbers": (
        "templates",
        template(" ".join(f"{{1..9999:{name}}}" for name in "abcdefgh")),
    ),
    "steps of 0, inline": ("templates", template("{1..5,0}")),
    "steps of 0": ("templates", number_list(**{"from": 1, "to": 5, "step": 0})),
    "more numbers than a machine counts": ("templates", number_list(**{"from": 1, "to": 10**26})),
    "a number without a name": ("templates", number_list(**{"from": 10**30, "to": 10**30})),
    "a multiplier that is no number": (
        "templates",
        number_list(**{"from": 1, "to": 2, "multiplier": ".nan"}),
    ),
    "an alias in itself": ("templates", "intents: &a [*a]"),
    "aliases of aliases": ("templates", ALIASES),
    "lists 5000 deep": ("templates", "- " * 5000 + "(x"),
    "a control character": ("templates", "intents: \x00"),
    "40 rules, each with the next one twice, that may all be silent": (
        "templates",
        rules_in_rules(40, "[x]"),
    ),
    "a configured path with a character 0": ("configuration", 'audio.source = "a\\u0000b"'),
    "half a surrogate pair from a Wyoming client": (
        "wyoming",
        '{"type": "ping", "data": {"text": "\\ud800"}}\n',
    ),
    "half a surrogate pair as a wake word": (
        "manifest",
        json.dumps({**json.loads(manifests()[0]), "wake_word": "\ud800"}),
    ),
    "a list whose name has a line break": (
        "templates",
        template("{a\nb}", "lists:\n  ? |\n   c\n   d\n  : {}\n"),
    ),
    "26 words in any order": ("templates", template("(" + ";".join("abcdefghijklmnopqrstuvwxyz") + ")")),
}
"""What fuzzing, or thinking about it, has found."""


@pytest.mark.parametrize("case", REFUSED)
def test_what_was_found_is_refused(case: str) -> None:
    name, text = REFUSED[case]
    assert not TARGETS[name].take(text.encode())


def test_brackets_need_no_more_time_than_they_have_letters() -> None:
    assert TARGETS["templates"].take(template("(" * 50 + "x" + ")" * 50).encode())


def test_a_float_beyond_all_others_is_full_scale() -> None:
    assert TARGETS["wav"].take(recording(np.full(400, 3e38), "FLOAT"))


@pytest.mark.parametrize(("place", "number"), [(24, 0), (4, 16), (16, 0xFFFF_FFF0)])
def test_headers_that_lie_of_rate_or_length_are_refused(place: int, number: int, tmp_path: Path) -> None:
    good = recording(np.zeros(400), "PCM_16")
    path = tmp_path / "lying.wav"
    path.write_bytes(good[:place] + number.to_bytes(4, "little") + good[place + 4 :])
    with pytest.raises(SourceError, match="; "), WavSource(str(path)):
        pass


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_good(name: str) -> None:
    assert all(map(TARGETS[name].take, TARGETS[name].seeds()))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**32))
def test_damaged_input(name: str, number: int) -> None:
    TARGETS[name].take(damaged(name, random.Random(number)))


def damaged(name: str, chance: random.Random) -> bytes:
    """A seed in which pieces are cut out, doubled, moved, or replaced by words of the language."""
    content = bytearray(chance.choice(TARGETS[name].seeds()))
    words = [word.encode() for word in TARGETS[name].words()]
    for _ in range(chance.randint(1, 5)):
        first, second = sorted(chance.randint(0, len(content)) for _ in range(2))
        second = min(second, first + chance.choice((1, 4, 20, 10_000)))
        put = (b"", content[first:second] * 2, chance.choice(words), chance.randbytes(3))
        content[first:second] = chance.choice(put)
    return bytes(content[:10_000])

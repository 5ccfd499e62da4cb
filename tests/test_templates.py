"""Sentence templates as Home Assistant's users have them: folders, contexts, wildcards, numbers and times."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from test_grammar import EXAMPLES, said, templates, understood

from kws.errors import GrammarError
from kws.grammar.compile import compile_grammar
from kws.grammar.reading import read_grammar
from kws.grammar.templates import parse_templates
from kws.grammar.word_graph import word_graph
from kws.recognition.tokens import PHONES

HOUSE = """
lists:
  name:
    values:
      - {in: lamp, out: light.lamp, context: {domain: light}}
      - {in: "[garage] door", out: cover.door, context: {domain: cover}}
      - radio
intents:
  Light:
    data:
      - sentences: ["<switch> {name}"]
        requires_context: {domain: light}
  Open:
    data:
      - sentences: ["open {name}"]
        requires_context: {domain: [cover, valve], area: {slot: true}}
  Other:
    data:
      - sentences: ["ask {name}"]
        excludes_context: {domain: {value: [cover, light]}}
expansion_rules:
  switch: "switch [on]"
"""


def test_a_block_takes_the_values_that_go_with_its_context():
    grammar = parse_templates(HOUSE)
    assert said(grammar) == {
        *("switch lamp", "switch on lamp", "switch radio", "switch on radio"),
        *("open door", "open garage door", "open radio", "ask radio"),
    }
    assert understood(grammar, "switch on lamp").slots == {"name": "light.lamp"}


def test_letters_right_behind_a_wildcard_are_left_out_and_told(tmp_path, caplog):
    path = tmp_path / "timer.yaml"
    path.write_text(
        "intents:\n  T:\n    data:\n      - sentences:\n"
        "        - set [a] timer\n        - 'say {label}es now'\n"
        "lists:\n  label: {wildcard: true}\n"
    )
    with caplog.at_level(logging.WARNING, "kws"):
        grammar = read_grammar(path)
    assert said(grammar) == {"set timer", "set a timer"}
    assert {arc.word for arc in word_graph(grammar).words} == {"set", "a", "timer"}
    (told,) = caplog.messages
    assert told.startswith(f"{path}:8: {{label}}es: letters right behind a wildcard cannot be listened for")
    assert understood(grammar, "set a timer").in_grammar


def test_dead_ends_are_not_in_the_graph():
    grammar = templates("go (left;{any}s;right)|stop", lists="{any: {wildcard: true}}")
    assert {arc.word for arc in word_graph(grammar).words} == {"stop"}


@pytest.mark.parametrize("body", ["''", "[]"])
def test_a_grammar_without_words_is_refused(body):
    with pytest.raises(GrammarError, match=r"expected a sentence|no sentence with a word"):
        compile_grammar(
            parse_templates(f"intents: {{A: {{data: [{{sentences: {body}}}]}}}}", "a.yaml"), PHONES
        )


def test_signs_and_hyphens_behind_a_number_do_not_repeat_the_numbers():
    grammar = templates("dim {0..100:level}[([ ]%)| percent]", "wait {1..9:hours}( |-)hour[s]")
    assert "dim fifty percent" in said(grammar)
    assert {"wait two hour", "wait two hours"} <= said(grammar)
    assert len(word_graph(grammar).words) < 2 * 110 + 2 * 10
    assert understood(grammar, "dim fifty percent").slots == {"level": "50"}


def test_ranges_with_fractions():
    grammar = templates(
        "heat to {warm:temperature}",
        "tune {station}",
        lists="{warm: {range: {from: 19, to: 20, fractions: halves}}, "
        "station: {range: {from: 88, to: 88, fractions: tenths, multiplier: -1000000}}}",
    )
    assert {"heat to nineteen", "heat to nineteen point five", "heat to twenty and a half"} <= said(grammar)
    assert understood(grammar, "heat to nineteen and a half").slots == {"temperature": "19.5"}
    assert understood(grammar, "tune eighty eight point three").slots == {"station": "-88300000"}


def test_times_of_day_are_a_list():
    grammar = templates(
        "wake me at {alarm:time}", lists="{alarm: {times: {from: '6:00', to: '19:00', step: 15}}}"
    )
    heard = {
        "six fifteen": "06:15",
        "half past seven": "07:30",
        "noon": "12:00",
        "quarter to one": "12:45",
        "six thirty p.m.": "18:30",
        "nineteen": "19:00",
    }
    for text, time in heard.items():
        assert understood(grammar, f"wake me at {text}").slots == {"time": time}, text


def test_keys_with_nothing_behind_them_are_passed_over():
    grammar = parse_templates("intents: {A: {data: [{sentences: go, slots: }]}}\nlists:\nskip_words:\n")
    assert said(grammar) == {"go"}


def test_a_key_that_stands_twice_would_hide_what_was_said_first():
    with pytest.raises(GrammarError, match=r"a.yaml:3: expected each key once, found 'A' again"):
        parse_templates(
            "intents:\n  A: {data: [{sentences: go}]}\n  A: {data: [{sentences: stop}]}\n", "a.yaml"
        )


def test_another_language_is_told_to_be_read_as_english():
    body = "intents: {A: {data: [{sentences: go}]}}"
    (told,) = parse_templates(f"language: de\n{body}", "a.yaml").notes
    assert told == "a.yaml:1: the words are read as English, not 'de'"
    assert parse_templates(f"language: en-GB\n{body}", "a.yaml").notes == ()


def test_the_example_of_alarms_and_timers():
    grammar = read_grammar(EXAMPLES / "clock.yaml")
    heard = {
        "wake me up tomorrow at half past seven": {"day": "tomorrow", "time": "07:30"},
        "set an alarm for six fifteen p.m.": {"time": "18:15"},
        "set a timer for two and a half hours": {"hours": "2.5"},
        "set a timer for half an hour": {"hours": "0.5"},
    }
    for text, slots in heard.items():
        assert understood(grammar, text).slots == slots, text


LISTS = "intents:\n  A: {data: [{sentences: ['{n}']}]}\nlists:\n  "
BAD_LISTS = [
    ("n: {times: {from: '6:00', to: '25:00'}}", "expected a time of day such as '7:30', found '25:00'"),
    ("n: {times: {from: '6:00', to: '5:00'}}", "expected a range of 1 to 10000 numbers"),
    ("n: {range: {from: 1, to: 9, fractions: thirds}}", "expected halves or tenths, found 'thirds'"),
    ("n: {range: {from: 1, to: 9, multiplier: x}}", "expected a number, found 'x'"),
    ("n: {range: {from: 1, to: 9, step: 0}}", "expected a range of 1 to 10000 numbers"),
    ("n: {value: [a]}", "expected 'values', 'range' or 'times', found a mapping"),
    ("n: {values: [{out: a}]}", "expected the key 'in'"),
]


@pytest.mark.parametrize(("body", "message"), BAD_LISTS, ids=[message for _, message in BAD_LISTS])
def test_a_bad_list_is_told_where_and_what(body, message):
    with pytest.raises(GrammarError) as raised:
        parse_templates(LISTS + body, "a.yaml")
    assert str(raised.value).startswith(f"a.yaml:4: {message}")


def test_a_value_without_out_holds_what_is_said():
    grammar = templates("in {room}", lists="{room: {values: [{in: kitchen}]}}")
    assert understood(grammar, "in kitchen").slots == {"room": "kitchen"}


def test_a_folder_is_read_as_one_file(tmp_path):
    intents = "intents: {{{name}: {{data: [{{sentences: ['{text}']}}]}}}}\n"
    (tmp_path / "en").mkdir()
    (tmp_path / "_common.yaml").write_text("lists: {room: {values: [hall]}}\nskip_words: [please]\n")
    (tmp_path / "en" / "a.yaml").write_text(intents.format(name="Go", text="go <to> {room}"))
    (tmp_path / "en" / "b.json").write_text('{"intents": {"Go": {"data": [{"sentences": ["walk"]}]}}}')
    (tmp_path / "rules.yml").write_text(
        "expansion_rules: {to: '[to] [the]'}\nlists: {room: {values: [attic]}}"
    )
    (tmp_path / "notes.txt").write_text("not a grammar")
    grammar = read_grammar(tmp_path)
    assert understood(grammar, "please go to the attic").slots == {"room": "attic"}
    assert understood(grammar, "walk").intent == "Go"
    assert understood(grammar, "go hall").slots == {"room": "hall"}


def test_a_mistake_in_a_folder_is_told_by_its_file(tmp_path):
    (tmp_path / "a.yaml").write_text("lists: {}\n")
    (tmp_path / "b.yaml").write_text("intents:\n  A:\n    data: [{sentences: ['{who}']}]\n")
    with pytest.raises(GrammarError, match=r"b.yaml:3: expected a list \(none\), found \{who\}"):
        read_grammar(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GrammarError, match=r"expected sentence templates \(.yaml\) in this folder"):
        read_grammar(tmp_path / "empty")

"""Grammars: both notations, what they compile to, and what a bad one is told."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from spoken import saying
from test_graph_beam import sentences

from kws.errors import GrammarError
from kws.events import Transcript
from kws.grammar.compile import compile_grammar, spell
from kws.grammar.expression import Choice, Grammar, Repeat, Sequence, Slot
from kws.grammar.jsgf import parse_jsgf
from kws.grammar.numbers import spoken
from kws.grammar.reading import read_grammar
from kws.grammar.templates import parse_templates
from kws.grammar.word_graph import word_graph
from kws.recognition.build import build_recognizer
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.tokens import CHARACTERS, PHONES

EXAMPLES = Path(__file__).parents[1] / "examples" / "grammars"


def said(grammar: Grammar, limit: int = 3) -> set[str]:
    """Every sentence, by the slow definition."""
    return {" ".join(words) for intent in grammar.intents for words in sentences(intent.sentences, limit)}


def jsgf(body: str) -> Grammar:
    return parse_jsgf(f"#JSGF V1.0 UTF-8 en;\ngrammar test;\n{body}", "test.jsgf")


def templates(*lines: str, **more: str) -> Grammar:
    body = "".join(f"          - {line!r}\n" for line in lines)
    rest = "".join(f"{key}: {value}\n" for key, value in more.items())
    return parse_templates(f"intents:\n  Test:\n    data:\n      - sentences:\n{body}{rest}", "test.yaml")


def understood(grammar: Grammar, text: str) -> Transcript:
    decoder = GrammarDecoder(compile_grammar(grammar, PHONES), 0.03)
    decoder.push(saying(text))
    (transcript,) = decoder.flush()
    return transcript


def test_jsgf_choices_options_groups_and_rules():
    grammar = jsgf("public <a> = go [left | right] <b>; <b> = (now) | please;")
    assert said(grammar) == {
        " ".join(filter(None, parts))
        for parts in itertools.product(["go"], ["", "left", "right"], ["now", "please"])
    }


def test_jsgf_repetition_binds_to_the_item_before_it():
    assert said(jsgf("public <a> = go now*;"), 2) == {"go", "go now", "go now now"}
    assert said(jsgf("public <a> = (go now)+;"), 2) == {"go now", "go now go now"}


def test_jsgf_weights_are_odds_beside_the_likeliest():
    for weights in ("/3/ yes | /1/ no", "/ 0.3e-1 / yes | /1e-2/ no"):
        (intent,) = jsgf(f"public <a> = {weights};").intents
        assert isinstance(intent.sentences, Choice)
        assert intent.sentences.weights == pytest.approx((1, 1 / 3))


def test_equal_jsgf_weights_are_as_none():
    """So a sentence is no less sure for being one of many that are equally likely."""
    plain, weighted = (
        word_graph(jsgf(f"public <a> = ({items})+;")) for items in ("yes | no", "/5/ yes | /5/ no")
    )
    assert all(skip.weight == 0 for skip in (*plain.skips, *weighted.skips))


def test_jsgf_comments_quotes_and_null():
    grammar = jsgf('// one\n/* two;\n three */ public <a> = "living room" <NULL> Lamp; // end')
    assert said(grammar) == {"living room lamp"}


def test_jsgf_public_rules_are_intents_and_tags_fill_slots():
    grammar = jsgf(r"public <on> = on {state=1\}2} | <n> {count}; public <bye> = goodbye; <n> = two three;")
    assert understood(grammar, "on").slots == {"state": "1}2"}
    assert understood(grammar, "two three").slots == {"count": "two three"}
    assert [understood(grammar, text).intent for text in ("on", "goodbye")] == ["on", "bye"]


def test_jsgf_void_is_never_said_and_an_empty_tag_says_nothing():
    grammar = jsgf("public <a> = go {} | <VOID> | stay <nowhere>; <nowhere> = <VOID>;")
    assert {arc.word for arc in word_graph(grammar).words} == {"go"}
    assert understood(grammar, "go").slots == {}
    with pytest.raises(GrammarError, match=r"test.jsgf: there is no sentence with a word in it"):
        compile_grammar(jsgf("public <a> = <VOID>;"), PHONES)


def test_jsgf_values_in_quotes_and_figures():
    grammar = jsgf('public <a> = channel 12 {name="channel twelve"} | volume 50%;')
    assert understood(grammar, "channel twelve").slots == {"name": "channel twelve"}
    assert understood(grammar, "volume fifty percent").text == "volume fifty percent"


def test_jsgf_any_number_of_digits():
    grammar = jsgf("public <digits> = (one | two | three)+ {digits};")
    transcript = understood(grammar, "two one one three two")
    assert transcript.text == transcript.slots["digits"] == "two one one three two"


BAD_JSGF = [
    ("public <a> = yes", 3, "expected ';' at the end of the rule, found the end of the file"),
    ("public <a> = (yes\n| no;", 4, "expected the end of the '(' of line 3, found ';'"),
    ("public <a> = yes | ;", 3, "expected a word, <rule>, '(' or '[', found ';'"),
    ("\npublic a = yes;", 4, "expected a rule '<name> = ...;', found 'a'"),
    ("public <a> yes;", 3, "expected '=', found 'yes'"),
    ("public <a> = <b>;", 3, "expected a rule of this file (<a>), found <b>"),
    ("public <a> = yes\n<a>;", 4, "<a> contains itself; write a repetition with * or + instead"),
    ("public <a> = yes; <a> = no;", 3, "<a> is defined twice; give one of them another name"),
    ("import <other>; public <a> = yes;", 3, "expected '<grammar.rule>' or '<grammar.*>' after import"),
    ("import <../up.*>; public <a> = yes;", 3, "expected '<grammar.rule>' or '<grammar.*>' after import"),
    ("import <b.*> public <a> = yes;", 3, "expected ';' at the end of the import, found 'public'"),
    ("public <a> = yes;\nimport <b.*>;", 4, "expected a rule; imports stand before the first one"),
    ("import <b.*>; public <a> = yes;", 3, "expected a grammar in a file, as imports are looked up"),
    ("public <a> = <b.c>;", 3, "expected a grammar in a file, as imports are looked up"),
    ("public <a> = yes {oh;", 3, "'{' opens something that never ends"),
    ("public <a> = /1.2.3/ yes | no;", 3, "expected a number between the slashes"),
    ("public <a> = /-1/ yes | no;", 3, "expected a number between the slashes, 0 to 1e+09, found '/-1/'"),
]


@pytest.mark.parametrize(("body", "line", "message"), BAD_JSGF, ids=[body for body, _, _ in BAD_JSGF])
def test_a_bad_jsgf_grammar_is_told_where_and_what(body, line, message):
    with pytest.raises(GrammarError) as raised:
        jsgf(body)
    assert str(raised.value).startswith(f"test.jsgf:{line}: {message}")


def test_jsgf_threshold_in_a_documentation_comment():
    assert jsgf("/** Easily said.\n * @threshold 0.25\n */\npublic <a> = yes;").threshold == 0.25
    assert jsgf("/* @threshold 0.25 */ public <a> = yes; // @threshold 0.3").threshold is None
    with pytest.raises(GrammarError, match=r"test.jsgf:4: expected a threshold from 0 to 1, found 'high'"):
        jsgf("/** Too\n * much: @threshold high */\npublic <a> = yes;")


def test_jsgf_needs_its_header_and_a_public_rule():
    with pytest.raises(GrammarError, match=r"x:1: expected the header '#JSGF V1.0;', found 'grammar'"):
        parse_jsgf("grammar a;", "x")
    with pytest.raises(GrammarError, match="no rule is public"):
        jsgf("<a> = yes;")


def test_templates_alternatives_options_lists_and_rules():
    grammar = templates(
        "turn (on|off) [the] {area} lights",
        "<please> stop",
        lists="{area: {values: [kitchen, {in: 'bed room|dorm', out: bedroom}]}}",
        expansion_rules="{please: '[please]'}",
    )
    areas = ["kitchen", "bed room", "dorm"]
    assert said(grammar) == {
        *(f"turn {s} {t}{a} lights" for s in ("on", "off") for t in ("", "the ") for a in areas),
        "stop",
        "please stop",
    }
    assert understood(grammar, "turn off the dorm lights").slots == {"area": "bedroom"}


def test_templates_pieces_of_words():
    grammar = templates("light[s] in[to] {area}['s] bed", lists="{area: {values: [anna]}}")
    assert said(grammar) == {
        f"light{s} {i} anna{p} bed" for s in ("", "s") for i in ("in", "into") for p in ("", "'s")
    }
    assert said(templates("turn[ on] wel(come|l)")) == {
        f"turn{on} wel{end}" for on in ("", " on") for end in ("come", "l")
    }


def test_templates_free_order():
    grammar = templates("(one;[two];three) four")
    orders = {" ".join(p) for p in itertools.permutations(["one", "two", "three"])}
    orders |= {" ".join(p) for p in itertools.permutations(["one", "three"])}
    assert {tuple(text.split()) for text in said(grammar)} == {(*text.split(), "four") for text in orders}
    assert understood(grammar, "three one four").text == "three one four"


def test_templates_numbers():
    grammar = templates(
        "dim to {level:brightness} percent",
        "wait {1..3:minutes} minutes",
        lists="{level: {range: {from: 0, to: 100, step: 5, multiplier: 2.55}}}",
    )
    assert understood(grammar, "dim to thirty five percent").slots == {"brightness": "89.25"}
    assert understood(grammar, "wait two minutes").slots == {"minutes": "2"}
    assert spoken(105) == ("one hundred five", "one hundred and five")
    assert (spoken(0), spoken(-21)) == (("zero",), ("minus twenty one",))


def test_templates_fixed_slots_local_lists_and_words_to_skip():
    grammar = parse_templates(
        """
skip_words: [please]
intents:
  Light:
    data:
      - sentences: "lamp {where}"
        slots: {domain: light}
        lists: {where: {values: [here]}}
      - sentences: "lamp {where}"
  Bye: {data: [{sentences: [goodbye]}]}
lists: {where: {values: [there]}}
"""
    )
    here = understood(grammar, "please lamp here please")
    assert (here.text, here.intent) == ("please lamp here please", "Light")
    assert here.slots == {"where": "here", "domain": "light"}
    assert understood(grammar, "lamp there").slots == {"where": "there"}
    assert understood(grammar, "goodbye").intent == "Bye"


ONE = "intents:\n  A:\n    data:\n      - "
BAD_TEMPLATES = [
    (ONE + "sentences: ['turn (on']", 4, "in 'turn (on': expected ')' before the end"),
    (ONE + "sentences: ['on)']", 4, "in 'on)', column 3: expected a word, found ')'"),
    (ONE + "sentences: ['(on]']", 4, "in '(on]', column 4: expected ')', found ']'"),
    (ONE + "sentences: ['a () b']", 4, "in 'a () b', column 4: expected words between"),
    (ONE + "sentences:\n          - ''", 5, "expected a sentence, found nothing"),
    (ONE + "sentences: ['{b}']", 4, "expected a list (none), found {b}"),
    (ONE + "sentences: ['<b>']", 4, "expected an expansion rule (none), found <b>"),
    (ONE + "sentence: ['b']", 4, "expected the key 'sentences', found a mapping"),
    ("intents: [a]", 1, "expected a mapping (key: value), found a list"),
    ("intents: {}", 1, "expected at least one intent"),
    ("sentences: [a]", 1, "expected the key 'intents'"),
    ("", 1, "the file is empty"),
    ("intents:\n  A: [", 2, "not YAML"),
    (
        "intents:\n  A: {data: [{sentences: [\"{w}'s\"]}]}\nlists:\n  w: {wildcard: true}",
        4,
        "expected 'values', 'range' or 'times' (letters right behind a wildcard cannot be listened for)",
    ),
    (
        "intents:\n  A: {data: [{sentences: ['{w}']}]}\nlists:\n  w: {range: {from: 1, to: ten}}",
        4,
        "expected a whole number, found 'ten'",
    ),
    (
        "intents:\n  A: {data: [{sentences: ['<r>']}]}\nexpansion_rules:\n  r: 'x <r>'",
        4,
        "<r> contains itself; templates cannot repeat",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), BAD_TEMPLATES, ids=[m for _, _, m in BAD_TEMPLATES])
def test_a_bad_template_file_is_told_where_and_what(text, line, message):
    with pytest.raises(GrammarError) as raised:
        parse_templates(text, "test.yaml")
    assert str(raised.value).startswith(f"test.yaml:{line}: {message}")


def test_a_word_that_cannot_be_said_is_told():
    with pytest.raises(GrammarError, match=r"test.jsgf: '4k' cannot be said; write it in Latin letters"):
        compile_grammar(jsgf("public <a> = 4k;"), PHONES)
    with pytest.raises(GrammarError, match=r"test.jsgf: '日本' cannot be said; write it in Latin letters"):
        compile_grammar(jsgf("public <a> = café | 日本;"), PHONES)


def test_words_are_spelled_in_the_tokens_of_the_model():
    assert spell("either", PHONES, "") == [
        PHONES.encode(["IY", "DH", "ER"]),
        PHONES.encode(["AY", "DH", "ER"]),
    ]
    assert spell("double-shot", CHARACTERS, "")[0] == CHARACTERS.encode("double shot")
    assert spell("a.m.", CHARACTERS, "")[0] == CHARACTERS.encode("a m")


def sentence_count(item) -> float:
    """How many sentences an expression says, without making them."""
    if isinstance(item, Sequence):
        return math.prod(map(sentence_count, item.items))
    if isinstance(item, Choice):
        return sum(map(sentence_count, item.items))
    return sentence_count(item.item) if isinstance(item, (Slot, Repeat)) else 1


def test_a_grammar_of_many_millions_of_sentences_stays_as_small_as_its_text():
    values = [f"{first} {second}" for first in spoken_range(20) for second in spoken_range(12)]
    rule = "<v> = " + " | ".join(values) + ";"
    grammar = jsgf(f"public <a> = set <v> {{x}} and <v> {{y}} and <v> {{z}}; {rule}")
    assert sentence_count(grammar.intents[0].sentences) > 10_000_000
    words = 3 * 2 * len(values) + 3
    assert len(word_graph(grammar).words) == words
    graph = compile_grammar(grammar, PHONES)
    assert graph.nodes < 8 * words
    decoder = GrammarDecoder(graph, 0.03)
    decoder.push(saying("set two nine and fifteen eleven and nineteen three"))
    assert decoder.flush()[0].slots == {"x": "two nine", "y": "fifteen eleven", "z": "nineteen three"}


def spoken_range(stop: int) -> list[str]:
    return [spoken(number)[0] for number in range(1, stop + 1)]


def test_rules_that_multiply_are_refused_with_a_reason():
    rules = "".join(f"<r{n}> = <r{n - 1}> <r{n - 1}>;" for n in range(1, 25))
    with pytest.raises(GrammarError, match="its graph has more than"):
        compile_grammar(jsgf(f"public <a> = <r24>; <r0> = yes; {rules}"), PHONES)


def test_a_list_is_entered_through_a_tree_of_its_beginnings():
    shared = compile_grammar(jsgf("public <a> = stop | stopped | stopping;"), PHONES)
    assert shared.nodes == 1 + len(["S", "T", "AA", "P"]) + len(["T"]) + len(["IH", "NG"])
    assert list(shared.roots.count) == [1]


def test_what_is_not_said_is_not_heard():
    grammar = jsgf("public <a> = turn on the light;")
    assert understood(grammar, "turn on the light").in_grammar
    for other in ("turn off the light", "turn on", "banana bread", ""):
        transcript = understood(grammar, other)
        assert (transcript.text, transcript.in_grammar, transcript.intent) == ("", False, None), other


def test_fillers_let_other_speech_stand_around_a_sentence():
    grammar = jsgf("public <a> = stop the music;")
    decoder = GrammarDecoder(compile_grammar(grammar, PHONES, filler_cost=0.2), 0.03)
    decoder.push(saying("oh well stop the music now"))
    (transcript,) = decoder.flush()
    assert (transcript.text, transcript.in_grammar) == ("stop the music", True)
    assert understood(grammar, "oh well stop the music now").in_grammar is False


def test_confidence_is_higher_for_what_is_clearer():
    grammar = jsgf("public <a> = stop | go;")
    confidence = []
    for sure in (0.3, 0.6, 0.95):
        decoder = GrammarDecoder(compile_grammar(grammar, PHONES), 0.03)
        rng = np.random.default_rng(1)
        noise = rng.normal(scale=1 - sure, size=saying("stop").shape)
        decoder.push((saying("stop", sure=sure) + noise).astype(np.float32))
        confidence.append(decoder.flush()[0].nbest[0].confidence)
    assert confidence == sorted(confidence)
    assert confidence[0] < confidence[-1]


def test_homophones_are_told_apart_by_what_the_grammar_says_first():
    grammar = jsgf("public <a> = (two {n=2} | too {n=also});")
    assert understood(grammar, "two").slots == {"n": "2"}
    assert [guess.text for guess in understood(grammar, "two").nbest] == ["two", "too"]


def test_templates_threshold():
    sentences = "intents: {A: {data: [{sentences: [yes]}]}}"
    assert parse_templates(f"threshold: 0.25\n{sentences}", "x").threshold == 0.25
    assert parse_templates(sentences, "x").threshold is None
    with pytest.raises(GrammarError, match=r"x:2: expected a threshold from 0 to 1, found '1.5'"):
        parse_templates(f"language: en\nthreshold: 1.5\n{sentences}", "x")


def test_a_recognizer_keeps_to_the_grammars_threshold_unless_told(tmp_path):
    grammar = tmp_path / "a.jsgf"
    grammar.write_text("#JSGF V1.0; /** @threshold 0.25 */ public <a> = yes;")
    assert build_recognizer("english", grammar=grammar).decoder.calibration.threshold == 0.25
    told = build_recognizer("english", grammar=grammar, threshold=0.75)
    assert told.decoder.calibration.threshold == 0.75


def test_the_file_name_tells_the_notation(tmp_path):
    (tmp_path / "a.jsgf").write_text("#JSGF V1.0; public <a> = yes;")
    (tmp_path / "a.yaml").write_text("intents: {A: {data: [{sentences: [yes]}]}}")
    (tmp_path / "a.txt").write_text("yes")
    assert said(read_grammar(tmp_path / "a.jsgf")) == said(read_grammar(tmp_path / "a.yaml")) == {"yes"}
    with pytest.raises(
        GrammarError, match=r"a.txt: expected a name that ends in .jsgf, .gram, .yaml, .yml or .json"
    ):
        read_grammar(tmp_path / "a.txt")
    with pytest.raises(GrammarError, match=r"none.jsgf: cannot be read \(No such file or directory\)"):
        read_grammar(tmp_path / "none.jsgf")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_the_examples_compile(path):
    assert compile_grammar(read_grammar(path), PHONES).nodes > 1

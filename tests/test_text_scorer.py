"""Language models, lexicon and boosting in the prefix beam, against scoring whole texts by themselves."""

from __future__ import annotations

import gzip
import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import random_steps
from test_prefix_beam import exhaustive

from kws.errors import LanguageModelError
from kws.recognition.boost import Boosted
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.lexicon import Lexicon
from kws.recognition.log_domain import NEVER
from kws.recognition.ngram import LN10, ArpaModel, read_arpa
from kws.recognition.prefix_beam import PrefixBeam, PrefixBeamConfig
from kws.recognition.scorer import AnyText
from kws.recognition.text_scorer import Fusion, LetterWords, LexiconWords
from kws.recognition.tokens import Tokens

EXACT = PrefixBeamConfig(beam=10**6, least=math.inf, slack=math.inf)
FUSION = Fusion(weight=0.7, insertion=0.4)
ARPA = """
made for a test

\\data\\
ngram 1=6
ngram 2=3
ngram 3=1

\\1-grams:
-99 <s> -0.3
-1.0 </s>
-2.0 <unk>
-0.5 a -0.25
-0.75 ab -0.1
-1.5 b

\\2-grams:
-0.2 <s> a -0.05
-0.4 a ab
-0.6 ab </s>

\\3-grams:
-0.1 <s> a ab

\\end\\
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArpaModel:
    path = tmp_path_factory.mktemp("arpa") / "test.arpa.gz"
    path.write_bytes(gzip.compress(ARPA.encode()))
    return read_arpa(path)


def whole(model: ArpaModel, words: list[str]) -> float:
    """ln P of a sentence, word by word."""
    history, total = model.start(), 0.0
    for word in words:
        history, value = model.score(history, word)
        total += value
    return total + model.end(history)


@pytest.mark.parametrize(
    ("sentence", "log10"),
    [
        ("", -0.3 - 1.0),
        ("a", -0.2 - 0.05 - 0.25 - 1.0),
        ("a ab", -0.2 - 0.1 - 0.6),
        ("ab a", -0.3 - 0.75 - 0.1 - 0.5 - 0.25 - 1.0),
        ("a zebra b", -0.2 - 0.05 - 0.25 - 2.0 - 1.5 - 1.0),
    ],
)
def test_backing_off_by_hand(model, sentence, log10):
    assert whole(model, sentence.split()) == pytest.approx(log10 * LN10)


def test_histories_are_cut_to_what_can_matter(model):
    history, _ = model.score(("a",), "b")
    assert history == ()  # nothing begins with "b"
    assert model.score(model.start(), "a")[0] == ("<s>", "a")


BAD_ARPA = [
    ("nothing", 1, "expected \\data\\"),
    ("\\data\\\nngram 2=1", 2, "expected 'ngram 1=' and how many, found 'ngram 2=1'"),
    ("\\data\\\nngram 1=x", 2, "expected 'ngram 1=' and how many"),
    (
        "\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n\\end\\",
        5,
        "expected 2 n-grams of order 1, of which 1",
    ),
    ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n-1 b", 5, "expected \\end\\, found '-1 b'"),
    ("\\data\\\nngram 1=1\n\\1-grams:\noh a\n\\end\\", 4, "expected a number, found 'oh a'"),
    ("\\data\\\nngram 1=1\n\\1-grams:\nnan a\n\\end\\", 4, "expected a number, found 'nan a'"),
    ("\\data\\\nngram 1=1\n\\1-grams:\n-1\n\\end\\", 4, "expected a logarithm, 1 words"),
    ("", 1, "expected \\data\\"),
]


@pytest.mark.parametrize(("text", "line", "message"), BAD_ARPA, ids=[message for _, _, message in BAD_ARPA])
def test_a_bad_language_model_is_told_where_and_what(tmp_path, text, line, message):
    path = tmp_path / "bad.arpa"
    path.write_text(text)
    with pytest.raises(LanguageModelError) as raised:
        read_arpa(path)
    assert str(raised.value).startswith(f"{path}:{line}: {message}")


def test_a_missing_or_damaged_language_model_is_one_line(tmp_path):
    with pytest.raises(LanguageModelError, match="cannot be read"):
        read_arpa(tmp_path / "none.arpa")
    (tmp_path / "cut.arpa.gz").write_bytes(gzip.compress(ARPA.encode())[:40])
    with pytest.raises(LanguageModelError, match="cannot be read"):
        read_arpa(tmp_path / "cut.arpa.gz")


@pytest.mark.parametrize(
    "content",
    [
        ARPA.encode().replace(b"\n", b"\r\n"),
        "\ufeff".encode() + ARPA.encode(),
        b"made by hand\n\n" + ARPA.encode() + b"\nand more\n",
        gzip.compress(ARPA.encode()),
        re.sub(r"(?<= )[a-z]+", lambda found: found[0].upper(), ARPA).encode(),
    ],
    ids=["CRLF", "byte order mark", "text around", "compressed", "capitals"],
)
def test_a_language_model_as_other_programs_write_it(tmp_path, model, content):
    path = tmp_path / "other.arpa"
    path.write_bytes(content)
    other = read_arpa(path)
    for sentence in ("", "a", "a ab", "ab a", "a zebra b"):
        assert whole(other, sentence.split()) == pytest.approx(whole(model, sentence.split()))


def test_an_ngram_is_found_though_what_begins_it_has_no_backoff_weight(tmp_path):
    """As in "to look a" of KenLM's own test file."""
    path = tmp_path / "sparse.arpa"
    path.write_text(
        "\\data\\\nngram 1=3\nngram 2=1\nngram 3=1\n\n\\1-grams:\n-1 <unk>\n-1 to -0.3\n-1 look -0.3\n\n"
        "\\2-grams:\n-0.3 to look\n\n\\3-grams:\n-7 to look to\n\n\\end\\\n"
    )
    model = read_arpa(path)
    history: tuple[str, ...] = ()
    for word in ("to", "look"):
        history, _ = model.score(history, word)
    assert model.score(history, "to")[1] == pytest.approx(-7 * LN10)


def test_other_files_than_language_models_are_told(tmp_path):
    (tmp_path / "kenlm.bin").write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0\xff")
    with pytest.raises(LanguageModelError, match="is a binary file of KenLM; give the ARPA file"):
        read_arpa(tmp_path / "kenlm.bin")
    (tmp_path / "marks.arpa").write_text("\\data\\\nngram 1=1\n\\1-grams:\n-1 <s>\n\\end\\\n")
    with pytest.raises(LanguageModelError, match="has no words"):
        read_arpa(tmp_path / "marks.arpa")


LETTERS = Tokens("characters", ("", " ", "a", "b"))
SOUNDS = Tokens("phones", ("", "A", "B", "C"))
SPELLINGS = {"a": [(1,)], "ab": [(1, 2), (1, 3)], "b": [(2,)], "be": [(2,)]}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 999), st.integers(1, 5))
def test_letters_with_a_language_model_as_exhaustive_search_has_it(model, seed, steps):
    log_probs = random_steps(seed, steps, len(LETTERS))
    beam = PrefixBeam(LetterWords(LETTERS.symbols, model, FUSION), EXACT)
    beam.push(log_probs)
    expected = {}
    for tokens, acoustic in exhaustive(log_probs).items():
        text = LETTERS.decode(tokens)
        if not text.startswith(" ") and "  " not in text:
            words = text.split()
            language = FUSION.weight * whole(model, words) + FUSION.insertion * len(words)
            expected[tokens] = acoustic + language
    found = {hypothesis.tokens: hypothesis.score for hypothesis in beam.finished()}
    assert found.keys() == expected.keys()
    assert all(found[tokens] == pytest.approx(expected[tokens], abs=1e-4) for tokens in expected)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4))
def test_a_lexicon_with_a_language_model_as_exhaustive_search_has_it(model, seed, steps):
    log_probs = random_steps(seed, steps, len(SOUNDS))
    unigrams = {word: model.log_prob((), word) for word in SPELLINGS}
    scorer = LexiconWords(Lexicon(SPELLINGS, unigrams), model, FUSION)
    beam = PrefixBeam(scorer, EXACT)
    beam.push(log_probs)
    acoustic = exhaustive(log_probs)
    expected: dict[tuple[int, ...], float] = {(): acoustic[()]}
    for count in range(1, steps + 1):
        for words in itertools.product(SPELLINGS, repeat=count):
            for ways in itertools.product(*(SPELLINGS[word] for word in words)):
                tokens = sum(ways, ())
                if tokens in acoustic:
                    value = (
                        acoustic[tokens]
                        + FUSION.weight * whole(model, list(words))
                        + FUSION.insertion * count
                    )
                    expected[tokens] = max(expected.get(tokens, NEVER), value)
    found: dict[tuple[int, ...], float] = {}
    for hypothesis in beam.finished():
        found[hypothesis.tokens] = max(found.get(hypothesis.tokens, NEVER), hypothesis.score)
    assert found.keys() == expected.keys()
    assert all(found[tokens] == pytest.approx(expected[tokens], abs=1e-4) for tokens in expected)


def bonus(scorer: Boosted, tokens: tuple[int, ...]) -> float:
    state, total = scorer.start(), 0.0
    for token in tokens:
        total += float(scorer.ways(state, 4)[0, token])
        state = scorer.follow(state, 0, token)
    return total + scorer.finish(state)


def test_boosted_phrases_earn_by_token_and_only_when_whole():
    scorer = Boosted(AnyText(), {(1, 2, 3): 2.0, (2, 1): 0.5})
    assert bonus(scorer, (1, 2, 3)) == pytest.approx(6)
    assert bonus(scorer, (1, 2)) == 0
    assert bonus(scorer, (1, 2, 1)) == pytest.approx(1)  # "2 1" is found although "1 2 3" was begun
    assert bonus(scorer, (1, 1, 2, 3, 3, 2, 1)) == pytest.approx(7)
    assert bonus(scorer, (3, 3, 3)) == 0


@pytest.mark.parametrize("merge", [False, True])
def test_boosting_makes_a_phrase_win_that_was_close(merge):
    log_probs = np.log(np.array([[0.1, 0.5, 0.4], [0.8, 0.1, 0.1], [0.1, 0.45, 0.45]], np.float32))
    config = PrefixBeamConfig(merge=merge)
    plain = PrefixBeam(config=config)
    boosted = PrefixBeam(Boosted(AnyText(), {(2, 2): 1.0}), config)
    for beam in (plain, boosted):
        beam.push(log_probs)
    assert plain.finished()[0].tokens[0] == 1
    assert boosted.finished()[0].tokens == (2, 2)


def free_decoder(model: ArpaModel, **how) -> FreeDecoder:
    return FreeDecoder(LETTERS, LetterWords(LETTERS.symbols, model, FUSION), 0.03, **how)


def test_words_have_times_and_confidence(model):
    columns = [0, 0, 2, 0, 1, 2, 2, 0, 3, 0]
    log_probs = np.full((len(columns), 4), np.log(0.02), np.float32)
    log_probs[np.arange(len(columns)), columns] = np.log(0.94)
    decoder = free_decoder(model)
    decoder.push(log_probs)
    (transcript,) = decoder.flush()
    assert (transcript.text, transcript.in_grammar, transcript.intent) == ("a ab", None, None)
    first, second = transcript.words
    assert (first.word, first.start, first.end) == ("a", pytest.approx(0.06), pytest.approx(0.09))
    assert (second.word, second.start, second.end) == ("ab", pytest.approx(0.15), pytest.approx(0.27))
    assert first.confidence == second.confidence == pytest.approx(0.94)
    assert 0 < transcript.confidence < 0.94
    assert sum(guess.confidence for guess in transcript.nbest) <= 1
    assert decoder.flush() == []


class Contrary:
    """A rescorer that prefers whatever was not the likeliest."""

    def scores(self, heard, texts):
        return [5.0 * place for place in range(len(texts))]


@pytest.mark.parametrize("rescorer", [None, Contrary()])
@pytest.mark.parametrize("merge", [False, True])
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 60), max_size=5))
def test_stable_words_stay_and_the_split_is_no_matter(model, merge, rescorer, seed, cuts):
    log_probs = 2 * random_steps(seed, 60, 4)
    how = {"config": PrefixBeamConfig(merge=merge), "rescorer": rescorer}
    one, other = free_decoder(model, **how), free_decoder(model, phrases={}, **how)
    events = [event for piece in np.split(log_probs, sorted(cuts)) for event in one.push(piece)]
    assert events == other.push(log_probs)
    final = other.flush()
    assert one.flush() == final
    certain: list[str] = []
    for event in (*events, *final):
        words = event.text.split()
        assert words[: len(certain)] == certain
        certain = words[: getattr(event, "stable", 0)] or certain


def test_what_is_left_of_a_wake_word_is_passed_over_and_costs_nothing():
    """Words a = A, ab = A B; the wake word's end is "B C", which is no word here."""
    spellings = {"a": [(1,)], "ab": [(1, 2)]}
    plain = ArpaModel(1, {("a",): -1.0, ("ab",): -1.0, ("</s>",): -1.0}, {})
    log_probs = np.full((9, 4), np.log(0.02), np.float32)
    log_probs[np.arange(9), [0, 2, 0, 3, 0, 1, 2, 0, 0]] = np.log(0.94)
    texts = {}
    for lead_in in ((), [(1, 2, 3), (2, 3), (3,)]):
        scorer = LexiconWords(Lexicon(spellings, {"a": -1.0, "ab": -1.0}), plain, FUSION, lead_in)
        decoder = FreeDecoder(SOUNDS, scorer, 0.03)
        decoder.push(log_probs)
        (transcript,) = decoder.flush()
        texts[bool(lead_in)] = (transcript.text, transcript.words[0].start, transcript.words[0].confidence)
    assert texts[True] == ("ab", pytest.approx(0.15), pytest.approx(0.94))
    assert texts[False][2] < 0.9  # it has to make "B C" part of a word

"""Letters beside phones: what they say of a grammar's sentences, and that they choose among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import random_steps, saying, steps_of

from kws.grammar.compile import compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.recognition.confidence import Calibration
from kws.recognition.ctc import log_probability
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.letters import MOST, PER_TOKEN, SURE, WEIGHT, Letters, Opinion
from kws.recognition.priors import Priors
from kws.recognition.tokens import BLANK, CHARACTERS, PHONES, LogProbs

ANY = Calibration(threshold=0.0)
NONE = Priors.of(np.zeros(len(CHARACTERS)))


def of_no_priors() -> Letters:
    return Letters(NONE)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("grammar") / "lamps.jsgf"
    path.write_text("#JSGF V1.0;\ngrammar lamps;\npublic <lamps> = stop | lights (on | off);\n")
    return compile_grammar(read_grammar(path), PHONES)


def unsure(one: str, other: str) -> LogProbs:
    """Phones of either, as likely as each other; both must have as many."""
    return np.logaddexp(saying(one), saying(other)) - np.float32(np.log(2))


def written(text: str, steps: int, sure: float = 0.6) -> LogProbs:
    """Letters, each with a blank after it."""
    columns = [column for letter in text for column in (CHARACTERS.index[letter], BLANK)]
    return steps_of(columns + [BLANK] * (steps - len(columns)), CHARACTERS, sure)


def opinions(log_probs: LogProbs, *sentences: tuple[str, int]) -> list[Opinion]:
    letters = of_no_priors()
    for piece in np.split(log_probs, [7]):
        letters.push(piece)
    return letters.opinions(sentences)


def heard(graph, log_probs: LogProbs, letters: Letters | None, calibration=ANY):
    decoder = GrammarDecoder(graph, 0.04, calibration=calibration, letters=letters)
    decoder.push(log_probs)
    (transcript,) = decoder.flush()
    return transcript


@pytest.mark.parametrize("said", ["lights on", "lights off"])
def test_they_decide_where_phones_are_unsure(graph, said):
    phones = unsure("lights on", "lights off")
    both = np.hstack([phones, written(said, len(phones))])
    found = heard(graph, both, of_no_priors())
    assert found.text == said
    assert {guess.text for guess in found.nbest} == {"lights on", "lights off"}


def test_phones_that_are_sure_are_not_outvoted(graph):
    phones = saying("lights on", sure=0.5)
    both = np.hstack([phones, written("lights off", len(phones))])
    assert heard(graph, both, of_no_priors()).text == "lights on"
    assert heard(graph, both, Letters(NONE, weight=100.0)).text == "lights off"


def test_without_them_nothing_changes(graph):
    phones = saying("stop", sure=0.8)
    alone = heard(graph, phones, None)
    assert heard(graph, phones, of_no_priors()) == alone
    assert heard(graph, np.hstack([phones, written("lights on", len(phones))]), None) == alone


def test_they_say_what_ctc_says_of_all_alignments():
    log_probs = random_steps(3, 30, len(CHARACTERS))
    on, off = opinions(log_probs, ("lights on", 8), ("Lights Off", 8))
    for opinion, text in ((on, "lights on"), (off, "lights off")):
        nats = WEIGHT * log_probability(log_probs, CHARACTERS.encode(text)) + 8 * PER_TOKEN
        assert opinion.nats == pytest.approx(nats)
    assert opinions(log_probs, ("20 °C", 5), ("on", 2)) == [Opinion(), Opinion()]
    assert of_no_priors().opinions([("on", 2)]) == [Opinion()]


def test_points_are_not_written() -> None:
    log_probs = written("at a m", 16)
    (pointed,), (plain,) = opinions(log_probs, ("at a.m.", 5)), opinions(log_probs, ("at a m", 5))
    assert pointed == plain
    assert pointed.nats != 0


def test_a_long_sentence_is_paid_for_its_length():
    """Which letters that are as likely either way could not tell from a short one."""
    log_probs = random_steps(3, 30, len(CHARACTERS))
    short, long = opinions(log_probs, ("stop", 4), ("stop", 7))
    assert long.nats - short.nats == pytest.approx(3 * PER_TOKEN)


def test_they_are_divided_by_their_priors():
    """As phones are: what is written often anyway says less."""
    log_probs = random_steps(3, 30, len(CHARACTERS))
    priors = Priors.of(np.linspace(-1, -8, len(CHARACTERS)))
    letters, plain = Letters(priors), of_no_priors()
    letters.push(log_probs)
    plain.push(priors.scaled(log_probs))
    (divided,), (by_hand,) = letters.opinions([("stop", 4)]), plain.opinions([("stop", 4)])
    assert divided == pytest.approx(by_hand)
    assert divided.nats != pytest.approx(opinions(log_probs, ("stop", 4))[0].nats)


def test_they_doubt_what_is_no_likelier_than_nothing():
    on, stop = opinions(written("lights on", 30, sure=0.99), ("lights on", 8), ("stop", 4))
    assert on.doubt == 0
    assert stop.doubt < 0
    silence = steps_of([BLANK] * 30, CHARACTERS, 0.9)
    assert -MOST <= opinions(silence, ("stop", 4))[0].doubt < -SURE
    assert opinions(silence[:2], ("stop", 4))[0].doubt == -MOST  # there is no time for it


def test_their_doubt_counts_as_much_as_the_calibration_says(graph):
    phones = saying("lights on", sure=0.8)
    right, wrong = (np.hstack([phones, written(text, len(phones))]) for text in ("lights on", "stop"))
    deaf, hearing = Calibration(threshold=0.5), Calibration(letters=1.0, threshold=0.5)
    assert [heard(graph, sound, of_no_priors(), deaf).in_grammar for sound in (right, wrong)] == [True, True]
    assert [heard(graph, sound, of_no_priors(), hearing).in_grammar for sound in (right, wrong)] == [
        True,
        False,
    ]
    assert (
        heard(graph, wrong, None, hearing).confidence == heard(graph, wrong, of_no_priors(), deaf).confidence
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 40), max_size=4))
def test_the_split_is_no_matter(graph, seed, cuts):
    log_probs = np.hstack([random_steps(seed, 40, len(PHONES)), random_steps(seed + 1, 40, len(CHARACTERS))])
    one, other = (
        GrammarDecoder(graph, 0.04, calibration=Calibration(letters=0.5), letters=of_no_priors())
        for _ in range(2)
    )
    for piece in np.split(log_probs, sorted(cuts)):
        one.push(piece)
    other.push(log_probs)
    assert one.flush() == other.flush()
    assert one.flush() == other.flush()  # and both begin anew


def test_a_stage_gives_both_side_by_side():
    bundle = find_recognizer("english")
    rows = np.random.default_rng(1).normal(0, 500, (200, 160)).astype(np.int16)
    both = AcousticModel(bundle, "phones", beside="characters").push(rows)
    phones, letters = (
        AcousticModel(bundle, "phones").push(rows),
        AcousticModel(bundle, "characters").push(rows),
    )
    assert len(both) > 40
    assert np.array_equal(both, np.hstack([phones, letters]))

"""Pronunciations: the dictionary's own, and by rule for the words it lacks."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

pytest.importorskip("pocketsphinx")

from kws.grammar import pronunciation
from training.words.confusion import distance
from training.words.lexicon import (
    CONSONANTS,
    VOWELS,
    Phones,
    by_letters,
    by_rule,
    dictionary,
    from_ipa,
    log_frequency,
    pronunciations,
    readings,
    words_of,
)


def phones(text: str) -> Phones:
    return tuple(text.split())


def test_the_dictionary_uses_the_phones_named_here() -> None:
    assert len(dictionary()) > 120_000
    used = {phone for spoken in dictionary().values() for reading in spoken for phone in reading}
    assert used == VOWELS | CONSONANTS


def test_all_readings_of_a_word_are_known() -> None:
    assert pronunciations("Jarvis") == (phones("JH AA R V AH S"), phones("JH AA R V IH S"))


def test_words_of_a_phrase_are_joined() -> None:
    assert readings("Hey, computer!") == [phones("HH EY K AH M P Y UW T ER")]
    assert len(readings("a jarvis")) == 4  # two readings of each


@pytest.mark.parametrize("text", ["", "...", "12"])
def test_what_has_no_letters_has_no_reading(text: str) -> None:
    assert readings(text) == []


def test_words_are_told_from_punctuation() -> None:
    assert words_of("Don't 'stop', Zoë-Ann!") == ["don't", "stop", "zoë", "ann"]


@pytest.mark.debian("espeak-ng")
def test_rules_agree_with_the_dictionary() -> None:
    """Of 200 common words spread over the alphabet, most lie within one phone of the dictionary."""
    common = [word for word in dictionary() if word.isalpha() and len(word) > 3 and log_frequency(word) > -11]
    sample = common[:: len(common) // 200][:200]
    apart = [min(distance(by_rule(word), known) for known in dictionary()[word]) for word in sample]
    assert sum(d == 0 for d in apart) > 60
    assert sum(d <= 1 for d in apart) > 180


def test_letters_alone_come_close() -> None:
    """Without espeak-ng; regular spellings come out right."""
    assert by_letters("stop") == phones("S T AA P")
    assert by_letters("checking") == phones("CH EH K IH NG")
    common = [word for word in dictionary() if word.isalpha() and len(word) > 3 and log_frequency(word) > -11]
    sample = common[:: len(common) // 200][:200]
    apart = [min(distance(by_letters(word), known) for known in dictionary()[word]) for word in sample]
    assert sorted(apart)[100] < 1.2  # the median word


def test_letters_with_accents_are_read_and_those_of_other_scripts_are_not() -> None:
    assert pronunciations("café")[0][:3] == ("K", "AE", "F")
    assert by_rule("crème")
    for word in ("日本", "привет", "αβγ"):
        assert pronunciations(word) == ()


@pytest.mark.debian("espeak-ng")
def test_many_words_are_asked_for_at_once_and_sound_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[list[str]] = []
    run = subprocess.run

    def counted(command: list[str], **how: Any) -> Any:
        starts.append(command)
        return run(command, **how)

    monkeypatch.setattr(pronunciation, "_READ_AHEAD", {})
    words = ["zorblax", "müllerin", "ø", "d'arcyx", "mqttx", "stop", "привет", "Zorblax"]
    apart = {word: by_rule(word.lower()) for word in words}
    monkeypatch.setattr(pronunciation.subprocess, "run", counted)
    pronunciation.read_ahead(words)
    assert {word: by_rule(word.lower()) for word in words if word != "stop"} == {
        word: sound for word, sound in apart.items() if word != "stop"
    }
    assert len(starts) == 1


def test_where_lines_are_missing_smaller_parts_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def says(command: list[str], *, input: str, **how: Any) -> Any:
        spoken = [word for word in input.split("\n\n") if word != "mutex"]
        return subprocess.CompletedProcess(command, 0, "\n".join(spoken), "")

    monkeypatch.setattr(pronunciation.subprocess, "run", says)
    monkeypatch.setattr(pronunciation.shutil, "which", str)
    monkeypatch.setattr(pronunciation, "_READ_AHEAD", {})
    pronunciation.read_ahead(["zt", "mutex", "dz", "kk"])
    sounds = [by_rule(word) for word in ("zt", "mutex", "dz", "kk")]
    assert sounds == [("Z", "T"), (), ("D", "Z"), ("K", "K")]


@pytest.mark.debian("espeak-ng")
def test_a_word_that_is_in_no_dictionary() -> None:
    assert "hadouken" not in dictionary()
    assert pronunciations("hadouken") == (phones("HH AE D AW K AH N"),)


def test_ipa() -> None:
    assert from_ipa("dʒˈɑːɹvɪs") == phones("JH AA R V IH S")
    assert from_ipa("lˈɪɾəl tʃˈaɪld\n") == phones("L IH T AH L CH AY L D")


def test_frequency_orders_words() -> None:
    assert (
        log_frequency("the")
        > log_frequency("computer")
        > log_frequency("commuter")
        > log_frequency("zyzzyva")
    )
    assert -4 < log_frequency("the") < -2  # about one word in 20

"""What sounds like a phrase and is not: words and pairs of words nearest by weighted phone edit distance.

Replacing a phone costs by how far apart its place, manner and voice (of consonants) or height, backness and
glide (of vowels) are, so "B" for "P" is cheap and "S" for "AA" is not. Distances to a phrase's beginnings
and ends come out of the same table, which is how pairs of words are found without trying all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from training.words.lexicon import (
    CONSONANTS,
    VOWELS,
    Phones,
    dictionary,
    log_frequency,
    readings,
    words_of,
)

Costs = npt.NDArray[np.float32]

PHONES = (*sorted(VOWELS), *sorted(CONSONANTS))
_INDEX = {phone: number for number, phone in enumerate(PHONES)}

# Place from the lips (0) to the throat (6); manner from closed (0) to open (4); voice.
_CONSONANT = {
    "P": (0, 0, 0), "B": (0, 0, 1), "M": (0, 1, 1), "W": (0, 4, 1), "F": (0.6, 2, 0), "V": (0.6, 2, 1),
    "TH": (1.3, 2, 0), "DH": (1.3, 2, 1), "T": (2, 0, 0), "D": (2, 0, 1), "N": (2, 1, 1), "S": (2, 2.3, 0),
    "Z": (2, 2.3, 1), "L": (2, 3.5, 1), "R": (2.7, 3.7, 1), "SH": (3, 2.3, 0), "ZH": (3, 2.3, 1),
    "CH": (2.8, 1, 0), "JH": (2.8, 1, 1), "Y": (3.7, 4, 1), "K": (5, 0, 0), "G": (5, 0, 1), "NG": (5, 1, 1),
    "HH": (6, 2.6, 0),
}  # fmt: skip
# Height from open (0) to closed (3); backness from front (0) to back (2); glide; r colour.
_VOWEL = {
    "IY": (3, 0, 0, 0), "IH": (2.5, 0.3, 0, 0), "EY": (2.2, 0, 1, 0), "EH": (1.5, 0.2, 0, 0),
    "AE": (0.6, 0.2, 0, 0), "AH": (1.4, 1, 0, 0), "ER": (1.7, 1, 0, 1), "AA": (0, 1.5, 0, 0),
    "AO": (0.8, 2, 0, 0), "OW": (1.8, 2, 1, 0), "UH": (2.4, 1.6, 0, 0), "UW": (3, 1.8, 0, 0),
    "AY": (0.9, 0.8, 1, 0), "AW": (0.7, 1.3, 1, 0), "OY": (1.3, 1.4, 1, 0),
}  # fmt: skip
_NEIGHBOURS = {("W", "UW"): 0.4, ("W", "UH"): 0.5, ("Y", "IY"): 0.4, ("Y", "IH"): 0.5, ("R", "ER"): 0.3}
"""Consonants that are said like vowels; any other exchange of a consonant and a vowel costs 1.2."""

_UNLIKE = 1.2
_GAP = {"AH": 0.45, "IH": 0.5, "HH": 0.45, "Y": 0.45, "T": 0.6, "D": 0.6}
_GAP_ELSE = 0.75
"""Cost of a phone too many or too few; weak vowels and sounds that are often swallowed cost less."""

SAME = 0.25
"""Below this distance a listener could not tell either."""
LEAST_SHARE = 0.25
"""Of a phrase's phones that a near miss must differ in, and in one at the least. What is nearer, such as
"he computer" for hey computer or "view class" for view glass, a synthesizer says too much like the phrase: a
model that learns to refuse it refuses the phrase by people (docs/experiments/embedding-heads.md)."""
_COMMON = -13.5
"""Logarithm of frequency: pairs are made of words that people say."""
_UNSHOWN = frozenset(("ass", "cock", "cum", "dick", "fuck", "prick", "shit", "tit", "tits", "whore"))
"""Left out of pairs, which stand in reports."""


def distance(a: Phones, b: Phones) -> float:
    """Weighted edit distance of two phone strings: 0 alike, about 1 for each phone that is another."""
    rows = _rows([a], max(map(len, (a, b)), default=0))
    return float(_ends(rows, np.array([len(a)]), _numbers(b))[0, len(b)])


def near_misses(phrase: str, count: int = 24, *, least_share: float = LEAST_SHARE) -> list[str]:
    """Words and phrases of two words nearest to `phrase` in sound, the nearest first, at most `count`.

    Never what contains the phrase in writing or in sound, such as "computers" for computer or "a lexus"
    for alexa. Half are single words; a phrase of several words comes with one of them replaced as well.
    Empty for a phrase without letters. Nothing is nearer than `least_share` of the phrase's phones, nor than
    one phone, to the phrase or to the longest of its words; 0: as near as a listener can tell apart.
    """
    spoken = readings(phrase)
    if not spoken:
        return []
    target = spoken[0]
    least = max(1.0, least_share * len(target)) if least_share else SAME
    longest = max(words_of(phrase), key=len)
    taken = _Chosen(phrase, [*spoken, *readings(longest)] if least_share else spoken, least)
    table = _prefix_and_suffix_distances(target)
    singles = taken.first(_single_words(table), count - count // 2)
    replaced = taken.first(_one_word_replaced(phrase), count // 4)
    pairs = taken.first(_pairs(table, target), count - len(singles) - len(replaced))
    return [found.text for found in sorted((*singles, *replaced, *pairs), key=lambda f: (f.distance, f.text))]


@dataclass(frozen=True)
class _Found:
    text: str
    phones: Phones
    distance: float


@dataclass(frozen=True)
class _Table:
    """Of every word in the lexicon, the distance to the first and to the last t phones of a phrase."""

    words: tuple[str, ...]
    phones: tuple[Phones, ...]
    to_first: Costs
    to_last: Costs
    """(words, phones of the phrase + 1)"""


def _prefix_and_suffix_distances(target: Phones) -> _Table:
    words, phones = _vocabulary()
    longest = len(target) + 4
    kept = [n for n, p in enumerate(phones) if len(p) <= longest]
    phones = tuple(phones[n] for n in kept)
    lengths = np.array([len(p) for p in phones])
    first = _ends(_rows(phones, longest), lengths, _numbers(target))
    last = _ends(_rows([p[::-1] for p in phones], longest), lengths, _numbers(target[::-1]))
    return _Table(tuple(words[n] for n in kept), phones, first, last)


def _single_words(table: _Table) -> Iterator[_Found]:
    whole = table.to_first[:, -1]
    for n in np.argsort(whole, kind="stable")[:2000]:
        yield _Found(table.words[n], table.phones[n], float(whole[n]))


def _pairs(table: _Table, target: Phones, best: int = 60) -> list[_Found]:
    """Two words, one like the phrase's beginning and one like the rest, for every place to cut it."""
    common = np.flatnonzero(_is_common(table.words))
    found: list[_Found] = []
    for cut in range(1, len(target)):
        left, right = table.to_first[common, cut], table.to_last[common, len(target) - cut]
        lefts, rights = (common[np.argsort(side, kind="stable")[:best]] for side in (left, right))
        for a in lefts:
            for b in rights:
                cost = float(table.to_first[a, cut] + table.to_last[b, len(target) - cut])
                text = f"{table.words[a]} {table.words[b]}"
                found.append(_Found(text, table.phones[a] + table.phones[b], cost))
    return sorted(found, key=lambda f: (f.distance, f.text))


def _one_word_replaced(phrase: str) -> list[_Found]:
    """A phrase of several words with one of them replaced by a word near to it."""
    words = words_of(phrase)
    found: list[_Found] = []
    for place, word in enumerate(words if len(words) > 1 else ()):
        for other in (near for near in near_misses(word, 12) if " " not in near):
            changed = [*words[:place], other, *words[place + 1 :]]
            spoken = readings(" ".join(changed))[0]
            found.append(_Found(" ".join(changed), spoken, distance(spoken, readings(phrase)[0])))
    return sorted(found, key=lambda f: (f.distance, f.text))


class _Chosen:
    """What was found so far: none is the phrase or nearly so, and no two of them sound the same."""

    def __init__(self, phrase: str, spoken: list[Phones], least: float) -> None:
        self._letters, self._spoken, self._least = "".join(words_of(phrase)), spoken, least
        self._sounds: set[Phones] = set()

    def first(self, found: Iterable[_Found], count: int) -> list[_Found]:
        """The first `count` that may be taken; a word may stand in an eighth of the pairs."""
        chosen: list[_Found] = []
        used: Counter[str] = Counter()
        often = max(2, count // 8)
        for candidate in found:
            if len(chosen) >= count:
                break
            words = candidate.text.split()
            worn = len(words) == 2 and any(used[word] >= often for word in words)
            if worn or candidate.phones in self._sounds or self._is_the_phrase(candidate):
                continue
            chosen.append(candidate)
            self._sounds.add(candidate.phones)
            used.update(words)
        return chosen

    def _is_the_phrase(self, candidate: _Found) -> bool:
        """Whether it holds the phrase's letters or sounds, however either is said, or all but does."""
        if self._letters in "".join(words_of(candidate.text)):
            return True
        said = readings(candidate.text)
        return any(
            _holds(ours, theirs) or distance(ours, theirs) < self._least
            for ours in said
            for theirs in self._spoken
        )


def _holds(longer: Phones, shorter: Phones) -> bool:
    return any(longer[n : n + len(shorter)] == shorter for n in range(len(longer) - len(shorter) + 1))


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[tuple[str, ...], tuple[Phones, ...]]:
    """Words of letters alone that have at least one vowel, each in its usual pronunciation."""
    pairs = [
        (word, spoken[0])
        for word, spoken in dictionary().items()
        if word.isalpha() and VOWELS & set(spoken[0])
    ]
    return tuple(word for word, _ in pairs), tuple(phones for _, phones in pairs)


def _is_common(words: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Single letters other than a and i are no words to say."""
    return np.array(
        [_frequency(w) > _COMMON and (len(w) > 1 or w in "ai") and w not in _UNSHOWN for w in words]
    )


@lru_cache(maxsize=1 << 18)
def _frequency(word: str) -> float:
    return log_frequency(word)


def _numbers(phones: Phones) -> list[int]:
    return [_INDEX[phone] for phone in phones]


def _rows(words: Iterable[Phones], longest: int) -> npt.NDArray[np.intp]:
    """Phone numbers, shape (words, longest), padded with 0."""
    padded = [(*_numbers(word), *(0,) * (longest - len(word))) for word in words]
    return np.array(padded, np.intp).reshape(len(padded), longest)


def _ends(words: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp], target: list[int]) -> Costs:
    """Distance of every whole word to every beginning of the target, shape (words, len(target) + 1).

    Wagner and Fischer's table (1974), one row for each phone of the words, all words at once.
    """
    replace, gap = costs()
    insert = gap[target]
    row = np.concatenate(([0], np.cumsum(insert))).astype(np.float32)[None].repeat(len(words), 0)
    done = row.copy()
    for place in range(words.shape[1]):
        phone = words[:, place]
        below = np.empty_like(row)
        below[:, 0] = row[:, 0] + gap[phone]
        for t, wanted in enumerate(target):
            exchanged = row[:, t] + replace[phone, wanted]
            dropped = row[:, t + 1] + gap[phone]
            below[:, t + 1] = np.minimum(np.minimum(exchanged, dropped), below[:, t] + insert[t])
        row = below
        ended = lengths == place + 1
        done[ended] = row[ended]
    return done


@lru_cache(maxsize=1)
def costs() -> tuple[Costs, Costs]:
    """Of replacing phone i by j, (39, 39), and of a phone too many or too few, (39,); ordered as PHONES."""
    replace = np.array([[_replacing(a, b) for b in PHONES] for a in PHONES], np.float32)
    gap = np.array([_GAP.get(phone, _GAP_ELSE) for phone in PHONES], np.float32)
    return replace, gap


def _replacing(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a in VOWELS and b in VOWELS:
        height, back, glide, colour = np.abs(np.subtract(_VOWEL[a], _VOWEL[b]))
        return float(min(1.0, 0.1 + 0.25 * height + 0.2 * back + 0.2 * glide + 0.2 * colour))
    if a in CONSONANTS and b in CONSONANTS:
        place, manner, voice = np.abs(np.subtract(_CONSONANT[a], _CONSONANT[b]))
        return float(min(1.0, 0.1 + 0.15 * place + 0.2 * manner + 0.15 * voice))
    return _NEIGHBOURS.get((a, b), _NEIGHBOURS.get((b, a), _UNLIKE))

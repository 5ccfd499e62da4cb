"""What the matcher learns from: phrases where they are said, and texts that are said nowhere near."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matching import ROWS, babble, stream_of

pytest.importorskip("pocketsphinx")

from kws.recognition.tokens import PHONES
from training.matcher.examples import DELAY, EARLY, LATE, Drawing, changed_text
from training.matcher.material import joined
from training.matcher.nearness import is_apart, nearest
from training.matcher.phrases import LONGEST, phrases_of
from training.words.confusion import distance


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def texts(*words: str) -> np.ndarray:
    """Phones apart by spaces, filled up with zeros."""
    found = np.zeros((len(words), 12), np.uint8)
    for row, word in zip(found, words, strict=True):
        columns = PHONES.encode(tuple(word.split()))
        row[: len(columns)] = columns
    return found


def drawing(seed: int = 1) -> Drawing:
    heard = joined([stream_of(babble(60, rng(n)), rng(n)) for n in (seed, seed + 50)])
    return Drawing(heard, phrases_of(heard), rng(seed))


def test_a_text_is_as_near_as_to_the_stretch_that_is_most_like_it() -> None:
    """Against the slow way: the distance to every stretch there is."""
    chance, phones = rng(), np.array(PHONES.symbols[1:])
    asked = [tuple(chance.choice(phones, int(n))) for n in chance.integers(1, 6, 40)]
    said = [tuple(chance.choice(phones, int(n))) for n in chance.integers(0, 8, 40)]
    stretches = [[one[a:b] for a, b in itertools.combinations(range(len(one) + 1), 2)] for one in said]
    slow = [
        min(distance(a, stretch) for stretch in [(), *all_]) for a, all_ in zip(asked, stretches, strict=True)
    ]
    found = nearest(texts(*map(" ".join, asked)), texts(*map(" ".join, said)))
    assert found == pytest.approx(slow, abs=1e-5)


def test_what_is_nearly_said_is_neither_said_nor_not() -> None:
    asked = texts("K AH M P Y UW T ER", "K AH M P Y UW T ER", "S T R IY T")
    said = texts("DH AH K AH M P Y UW D ER", "HH IH T DH AH S T R IY T", "AH S T R IY T")
    assert is_apart(asked, said).tolist() == [False, True, False]


def test_what_is_said_has_just_ended() -> None:
    draw = drawing()
    found = draw.said(200)
    around = draw.said_around(found.row)
    assert nearest(found.text, around) == pytest.approx(0)
    assert found.said.min() == found.judged.min() == 1
    for row, text in zip(found.row, found.text, strict=True):
        late = row - draw.phrases.last[(draw.phrases.texts == text).all(axis=1)]
        assert ((late >= LATE[0]) & (late <= LATE[1])).any() or row == len(draw.heard.rows) - 1
    assert (found.phones == (found.text > 0)).all()


def test_what_has_only_begun_is_not_said() -> None:
    draw = drawing()
    found = draw.begun(200)
    assert found.said.max() == 0
    assert found.judged.mean() > 0.5
    lengths, heard = np.count_nonzero(found.text, axis=1), found.phones.sum(axis=1)
    assert (heard <= lengths - EARLY // ROWS).all()
    assert (heard >= 1).mean() > 0.9
    assert (np.diff(found.phones, axis=1) <= 0).all()  # the first ones, never one behind one that is not


def test_what_is_judged_not_said_is_not_nearly_said() -> None:
    draw = drawing()
    for found in (draw.changed(200), draw.elsewhere(400)):
        assert found.said.max() == 0
        apart = nearest(found.text, draw.said_around(found.row))
        least = np.maximum(1.0, 0.25 * np.count_nonzero(found.text, axis=1))
        assert (found.judged == (apart >= least)).all()
        assert found.judged.mean() > 0.4


def test_a_changed_text_says_which_phones_are_its_own() -> None:
    chance = rng()
    for _ in range(300):
        text, other = (
            [int(n) for n in chance.integers(1, 40, int(size))] for size in chance.integers(3, LONGEST, 2)
        )
        changed, own = changed_text(text, other, chance)
        assert len(changed) == len(own) <= LONGEST
        assert changed != text
        left = iter(text)
        assert all(phone in left for phone, mine in zip(changed, own, strict=True) if mine)  # in their order


def test_windows_end_with_their_rows() -> None:
    draw = drawing()
    found = draw.windows(np.array([40, 90]), slice(0, 96))
    assert found.shape == (2, 25, 96)
    assert (found[1, -1] == draw.heard.rows[90, :96]).all()
    assert (found[0, 0] == draw.heard.rows[16, :96]).all()


def test_every_row_tells_which_phone_is_said_in_it() -> None:
    heard = stream_of([[["K", "AA"], ["S", "IY", "D"]]], rng())  # rows 31 to 40
    now = Drawing(heard, phrases_of(heard), rng()).now(np.array([44]))
    said = " ".join(PHONES.symbols[phone] or "-" for phone in now[0])
    assert said.endswith("- - K K AA AA S S IY IY D D - -")  # of rows 31 to 44, heard a little late
    assert DELAY == 2

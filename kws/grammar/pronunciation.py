"""How words are said: the 134,000 of CMU's dictionary in the pocketsphinx package, others by rule.

Phones are the dictionary's 39, written as ARPAbet without stress.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

Phones = tuple[str, ...]
ESPEAK = "espeak-ng"


@lru_cache(maxsize=1)
def dictionary() -> dict[str, tuple[Phones, ...]]:
    """Word in lower case -> its pronunciations, the usual one first."""
    words: dict[str, list[Phones]] = {}
    for entry, phones in _entries().items():
        words.setdefault(re.sub(r"\(\d+\)$", "", entry), []).append(tuple(phones.split()))
    return {word: tuple(readings) for word, readings in words.items()}


@lru_cache(maxsize=4096)
def pronunciations(word: str) -> tuple[Phones, ...]:
    """Of one word, in any case; by rule where the dictionary lacks it. Empty for what has no letters."""
    known = tuple(tuple(phones.split()) for phones in _readings(word.lower()))
    if known:
        return known
    guessed = by_rule(word)
    return (guessed,) if guessed else ()


def _readings(word: str) -> Iterator[str]:
    """Entries "word", "word(2)", "word(3)" and so on."""
    entry, number = word, 1
    while entry in _entries():
        yield _entries()[entry]
        number += 1
        entry = f"{word}({number})"


@lru_cache(maxsize=1)
def _entries() -> dict[str, str]:
    """The file's lines, cut at the first space and no further, as a grammar asks for few of them."""
    lines = (speech_model() / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines()
    return {entry: phones for entry, _, phones in (line.partition(" ") for line in lines)}


def speech_model() -> Path:
    """The directory of US English models in the pocketsphinx package."""
    from pocketsphinx import get_model_path

    return Path(get_model_path()) / "en-us"


def words_of(text: str) -> list[str]:
    """Words in lower case, without punctuation other than apostrophes within them."""
    return [word.strip("'") for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower())]


def by_rule(word: str) -> Phones:
    """As espeak-ng's rules say it, or by our own few for letters where that is not installed.

    Empty for letters that are not Latin ones: a voice for English can only name those.
    """
    if not _is_latin(word):
        return ()
    if word in _READ_AHEAD:
        return _READ_AHEAD[word]
    program = shutil.which(ESPEAK)
    return _from_espeak(program, [word])[0] if program else by_letters(_without_accents(word))


def read_ahead(words: Iterable[str]) -> None:
    """Ask for the sound of many words at once, as each by itself takes a program's start."""
    program = shutil.which(ESPEAK)
    lacking = dict.fromkeys(word.lower() for word in words)
    unknown = [
        word
        for word in lacking
        if word.replace("'", "").isalpha() and word not in _entries() and _is_latin(word)
    ]
    unknown = [word for word in unknown if word not in _READ_AHEAD]
    if program and len(unknown) > 1:
        _READ_AHEAD.update(zip(unknown, _from_espeak(program, unknown), strict=True))


_READ_AHEAD: dict[str, Phones] = {}


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in filter(str.isalpha, word))


def _without_accents(word: str) -> str:
    parts = unicodedata.normalize("NFKD", word)
    return "".join(part for part in parts if not unicodedata.combining(part))


def by_letters(word: str) -> Phones:
    """The longest spelling first: "ch" before "c". Right for regular words only, and close for most."""
    return _longest_first(word.lower().removesuffix("e") if len(word) > 3 else word.lower(), _LETTERS)


def from_ipa(text: str) -> Phones:
    """ARPAbet for the IPA that espeak-ng's American English writes; stress and length are dropped."""
    return _longest_first(text, _IPA)


def _from_espeak(program: str, words: list[str]) -> list[Phones]:
    """Each word is a paragraph, which comes out as a line; where one does not, smaller parts are tried."""
    command = [program, "-q", "--ipa", "-v", "en-us", "--stdin"]
    done = subprocess.run(
        command, input="\n\n".join(words), capture_output=True, text=True, encoding="utf-8", check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if len(lines) == len(words):
        return [from_ipa(line) for line in lines]
    if len(words) == 1:
        return [from_ipa(" ".join(lines))]
    half = len(words) // 2
    return _from_espeak(program, words[:half]) + _from_espeak(program, words[half:])


def _longest_first(text: str, table: dict[str, str]) -> Phones:
    phones: list[str] = []
    while text:
        length = next((n for n in (3, 2, 1) if text[:n] in table), 0)
        phones += table[text[:length]].split() if length else ()
        text = text[length or 1 :]
    return tuple(phones)


def _table(text: str) -> dict[str, str]:
    """Lines of "spelling PHONES; spelling PHONES"."""
    pairs = (entry.strip().partition(" ") for entry in text.replace("\n", ";").split(";") if entry.strip())
    return {spelling: phones for spelling, _, phones in pairs}


_IPA = _table("""
    tʃ CH; dʒ JH; eɪ EY; aɪ AY; ɔɪ OY; aʊ AW; oʊ OW; əʊ OW; əl AH L; n̩ AH N; l̩ AH L; ɑːɹ AA R
    oːɹ AO R; ɔːɹ AO R; ɪɹ IH R; ɛɹ EH R; ʊɹ UH R; ɚ ER; ɝ ER; ɜ ER; ɑ AA; ɒ AA; ɔ AO; o AO; i IY
    u UW; ɪ IH; ᵻ IH; e EH; ɛ EH; æ AE; a AE; ʌ AH; ə AH; ɐ AH; ʊ UH; p P; b B; t T; ɾ T; ʔ T; d D
    k K; ɡ G; g G; f F; v V; θ TH; ð DH; s S; z Z; ʃ SH; ʒ ZH; x K; h HH; m M; n N; ŋ NG; l L; ɫ L
    ɹ R; r R; j Y; w W
""")
_LETTERS = _table("""
    tch CH; sch S K; ch CH; sh SH; th TH; ph F; wh W; ck K; qu K W; ng NG; gh G; kn N; wr R; dge JH
    ee IY; ea IY; oo UW; ou AW; ow OW; oa OW; oi OY; oy OY; ai EY; ay EY; au AO; aw AO; ie IY
    ey IY; eu Y UW; ew Y UW; ar AA R; er ER; ir ER; or AO R; ur ER; ce S EH; ci S IH; cy S AY; bb B
    dd D; ff F; gg G; ll L; mm M; nn N; pp P; rr R; ss S; tt T; zz Z; a AE; b B; c K; d D; e EH
    f F; g G; h HH; i IH; j JH; k K; l L; m M; n N; o AA; p P; q K; r R; s S; t T; u AH; v V; w W
    x K S; y IY; z Z
""")

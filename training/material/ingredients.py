"""What a word is trained on: real clips where there are any, synthetic voices, speech, noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from kws.errors import KwsError
from kws.frontends import MICRO
from kws.types import Samples
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.material.held_out import apart
from training.material.joined_speech import joined_words
from training.material.noises import made_noises
from training.material.spoken import spoken
from training.material.tapes import Pool, TapeConfig, Tapes, cached_tapes, key_of, make_tapes
from training.recipe import MaterialRecipe
from training.words.word_ends import phrase_spans

REAL_SHARE = 0.65
"""Share of real clips among the words on a tape, where there are real clips."""

OWN_SHARE = 0.3
"""Share of the user's own takes among the words, where there are any."""

ALARM_SHARE = 0.1
"""Share of what was taken for the word in all other speech, where its users have said so."""

HELD_OUT_TIMES = 3
"""How many times its share of the tapes is held out. Half a false alarm an hour is two in four hours without
the word; in one hour it is none, and a single moment would choose the epoch."""

HELD_OUT_WORD_SHARE = 0.12
"""Of the pieces on a held-out tape: where the word is said twice a minute, little tells of the next one."""

SPOKEN = ("sentence", "speech", "word", "near-miss", "wakeword")
NOISES = 60
"""Made where there are no recordings of noise."""


@dataclass(frozen=True)
class Material:
    """Tapes to learn from and what they came from."""

    tapes: Tapes
    sources: dict[str, int]
    """Corpus or voice family -> clips used, for the card."""
    without: Pool
    """What more tapes without the word may be made of."""
    held_out: Tapes | None = None
    """Of other clips, to choose by."""


@dataclass(frozen=True)
class Ingredients:
    """What tapes are made of, and where it came from."""

    with_words: Pool
    without: Pool
    sources: dict[str, int]
    """As in Material."""
    speakers: Mapping[Path, str] = field(default_factory=dict)
    """Of the recordings; of noise the place or recording that it was cut from."""


def gather(
    phrase: str,
    recipe: MaterialRecipe,
    *,
    seed: int,
    cache: Path,
    recordings: bool = True,
    own: Sequence[Samples] = (),
    false_alarms: Sequence[Samples] = (),
    held_out: float = 0.0,
) -> Material:
    """Tapes for `phrase`; see `ingredients`.

    A share `held_out` of the voices is on tapes of its own. `false_alarms`, what a model took for the phrase,
    are learned from in any case.
    """
    found = ingredients(phrase, recipe, seed=seed, cache=cache, recordings=recordings, own=own)
    if false_alarms:
        found.sources["false alarms"] = len(false_alarms)
    words = _with_alarms(apart(found.with_words, held_out, found.speakers), false_alarms)
    others = _with_alarms(apart(found.without, held_out, found.speakers), false_alarms)
    if not (held_out and all(pool.words for pool in words)):
        whole = replace(
            found,
            with_words=_heard_often(found.with_words, false_alarms),
            without=_heard_often(found.without, false_alarms),
        )
        tapes = joined(tapes_of(whole, recipe, TapeConfig(), seed=seed, cache=cache))
        return Material(tapes, found.sources, whole.without)

    def side(number: int, share: float, config: TapeConfig) -> Tapes:
        ours = replace(found, with_words=words[number], without=others[number])
        with_words, without = (math.ceil(share * n) for n in (recipe.tapes_with_words, recipe.tapes_without))
        counts = replace(recipe, tapes_with_words=with_words, tapes_without=without)
        return joined(tapes_of(ours, counts, config, seed=seed + 10 * number, cache=cache))

    rare = TapeConfig(word_share=HELD_OUT_WORD_SHARE)
    apart_from_them = side(1, held_out * HELD_OUT_TIMES, rare)
    return Material(side(0, 1.0, TapeConfig()), found.sources, others[0], apart_from_them)


def ingredients(
    phrase: str,
    recipe: MaterialRecipe,
    *,
    seed: int,
    cache: Path | None = None,
    recordings: bool = True,
    own: Sequence[Samples] = (),
) -> Ingredients:
    """Clips of the phrase and of everything else, real where there are any, synthetic in any case.

    Args:
        phrase: lower case, single spaces.
        recipe: how much of what.
        seed: of everything random.
        cache: where synthesized speech and word ends are kept; without it they are found anew, and the ends
            of real words by energy alone.
        recordings: whether those under the data root are used.
        own: takes of the phrase by its user, each cut to it.
    """
    clips = trainable() if recordings else []
    said = [clip for clip in clips if recipe.real_words and holds(clip, phrase)]
    speech = [clip for clip in clips if clip.kind in SPOKEN and not holds(clip, phrase)]
    noise = [clip for clip in clips if clip.kind == "noise"]
    sentences = [c.label.lower() for c in speech if c.kind in ("sentence", "word") and c.label]
    voices = spoken(phrase, recipe, sentences, seed=seed, cache=cache)
    pieced = _joined_words(phrase, speech, recipe, seed, cache)
    if not (said or voices.words or pieced or own):
        raise KwsError(f"nobody says {phrase!r}: allow material.synthetic_words, or give --recordings")
    words = _word_groups(said, [*voices.words, *pieced], own)
    spans = phrase_spans(said, phrase, cache=cache / "align") if cache and said else {}
    noises: tuple[Path | Samples, ...] = tuple(c.path for c in noise) or tuple(made_noises(NOISES, seed=seed))
    background: tuple[Path | Samples, ...] = (*(c.path for c in speech), *voices.others)
    confusable = (*(c.path for c in speech if c.kind in ("near-miss", "wakeword", "word")), *voices.others)
    between = _with_more((*background, *confusable), voices.others, recipe.synthetic_share)
    made = voices.counts()
    made |= {"joined words": len(pieced)} if pieced else {}
    made |= {"own recordings": len(own)} if own else {}
    speakers = {clip.path: f"{clip.corpus}/{clip.speaker}" for clip in clips}
    with_words, without = Pool(words, between, noises, spans), Pool((), background, noises)
    return Ingredients(with_words, without, _counted([*said, *speech, *noise], made), speakers)


def tapes_of(
    found: Ingredients,
    recipe: MaterialRecipe,
    config: TapeConfig,
    *,
    seed: int,
    cache: Path,
    front_end: str = MICRO,
) -> list[Tapes]:
    """Those with words and those without, as many as the recipe says of each; none where it says 0."""
    pools = (
        (found.with_words, recipe.tapes_with_words, seed + 1),
        (found.without, recipe.tapes_without, seed + 2),
    )
    return [
        cached_tapes(
            cache,
            key_of(pool, config, count, sown),
            partial(make_tapes, pool, count, config, seed=sown, front_end=front_end),
            front_end=front_end,
        )
        for pool, count, sown in pools
        if count
    ]


def joined(parts: Sequence[Tapes]) -> Tapes:
    """All of them as one."""
    rows, marks = ([getattr(part, name) for part in parts] for name in ("rows", "marks"))
    return Tapes(np.concatenate(rows), np.concatenate(marks), parts[0].front_end)


def more_tapes(material: Material, count: int, *, seed: int, cache: Path) -> Tapes:
    """Others without the word, of the same speech and noise."""
    pool, config = material.without, TapeConfig()
    make = partial(make_tapes, pool, count, config, seed=seed)
    return cached_tapes(cache, key_of(pool, config, count, seed), make)


def trainable() -> list[Clip]:
    """Recordings in all tables of the data root that a model may be trained on and then be published."""
    tables = sorted(recordings_manifest().parent.glob("*.tsv"))
    clips = {clip.path: clip for table in tables for clip in read_manifest(table)}
    return [clip for clip in clips.values() if clip.split == "train" and clip.licence == "ship"]


def holds(clip: Clip, phrase: str) -> bool:
    """Whether the phrase is said in it; labels such as "heycomputer" are written without spaces."""
    return clip.says(phrase) or (clip.kind == "wakeword" and phrase.replace(" ", "") in clip.label.lower())


def _joined_words(
    phrase: str, speech: Sequence[Clip], recipe: MaterialRecipe, seed: int, cache: Path | None
) -> list[Samples]:
    """By readers of sentences (training.material.joined_speech); their alignment needs a cache."""
    if not recipe.joined_words or cache is None:
        return []
    return joined_words(phrase, speech, recipe.joined_words, seed=seed, cache=cache)


def _word_groups(
    said: Sequence[Clip], synthetic: Sequence[Samples], own: Sequence[Samples]
) -> tuple[tuple[tuple[Path | Samples, ...], float], ...]:
    """Real clips by corpus, each weighing by the root of its number of speakers: one voice counts little."""
    corpora: dict[str, list[Path | Samples]] = {}
    for clip in said:
        corpora.setdefault(clip.corpus, []).append(clip.path)
    root = {name: len({c.speaker for c in said if c.corpus == name}) ** 0.5 for name in corpora}
    groups = [(tuple(paths), REAL_SHARE * root[name] / sum(root.values())) for name, paths in corpora.items()]
    found = (*groups, (tuple(synthetic), 1 - REAL_SHARE if groups else 1.0))
    if not own:
        return found
    return (*((clips, share * (1 - OWN_SHARE)) for clips, share in found), (tuple(own), OWN_SHARE))


def _with_more(
    speech: tuple[Path | Samples, ...], synthetic: list[Samples], share: float
) -> tuple[Path | Samples, ...]:
    """With the synthetic clips repeated until they make up this share."""
    missing = share * len(speech) - 2 * len(synthetic)  # among the others each stands twice already
    more = int(missing / (1 - share) / len(synthetic) + 1) if missing > 0 else 0
    return (*speech, *(synthetic * more))


def _with_alarms(sides: tuple[Pool, Pool], alarms: Sequence[Samples]) -> tuple[Pool, Pool]:
    """Among what is learned from, never among what is held out."""
    return _heard_often(sides[0], alarms), sides[1]


def _heard_often(pool: Pool, alarms: Sequence[Samples]) -> Pool:
    """With each false alarm among the other speech, as often as makes them all ALARM_SHARE of it."""
    if not alarms:
        return pool
    wanted = ALARM_SHARE / (1 - ALARM_SHARE) * len(pool.speech)
    return replace(pool, speech=(*pool.speech, *(tuple(alarms) * math.ceil(wanted / len(alarms)))))


def _counted(clips: Sequence[Clip], made: dict[str, int]) -> dict[str, int]:
    """How many clips there are of what was made and of each corpus."""
    counts = dict(made)
    for clip in clips:
        counts[clip.corpus] = counts.get(clip.corpus, 0) + 1
    return counts

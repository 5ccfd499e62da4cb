"""What a head learns from: the phrase and phrases like it by many voices, and other speech by real people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.errors import KwsError
from kws.evaluation.activity import speech_span
from kws.frontends import SPEECH_EMBEDDING, row_format
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples
from training.data.manifest import Clip
from training.heads.background import NOISES, Background, read_background
from training.heads.examples import Examples, join
from training.heads.sources import Sources, sources_of
from training.material.embedded import Embedded, Take, embed
from training.material.ingredients import SPOKEN, holds, trainable
from training.material.noises import made_noises
from training.material.spoken import Spoken, spoken
from training.material.tapes import IGNORED, NEGATIVE, POSITIVE, Marks
from training.recipe import MaterialRecipe
from training.words.word_ends import phrase_spans

POSITIVE_SECONDS = (-0.05, 0.4)
"""A word may be heard up to 0.4 s after its end. Nothing else about it is judged: the hardest examples would
be those whose end was found wrongly, and a score that comes early or stays long does no harm."""
_ECHO_SECONDS = 1.0
"""After a take with the phrase in it, so long the rows are not judged."""
_SILENCE = 0.02
"""Of the loudest 10 ms; what is below, at the ends of synthesized clips, is not speech."""

LEAST_HOURS = 1.0
"""Of recorded speech without the phrase; where there is less, that of the package is learned from instead."""
_MOST_COPIES = 100
_ALARM_COPIES = 20
"""How often a recording is heard, in another room and noise each time."""

Sequences = list[tuple[Rows, Marks]]


@dataclass(frozen=True)
class HeadMaterial:
    """Examples and what they came from."""

    examples: Examples
    sources: dict[str, int]
    """Corpus or voice family -> clips used, for the card."""
    hours: float
    said: Sources
    """In the real speech of `examples`."""
    packed: int
    """Clips of `sources` that the package brings as vectors."""


def gather(
    phrase: str,
    recipe: MaterialRecipe,
    *,
    look_back: int,
    seed: int,
    cache: Path,
    encoder: str = SPEECH_EMBEDDING,
    recordings: bool = True,
    own: Sequence[Samples] = (),
    false_alarms: Sequence[Samples] = (),
) -> HeadMaterial:
    """Examples for `phrase`.

    Args:
        phrase: lower case, single spaces.
        recipe: how much of what.
        look_back: rows that a head looks at before the newest.
        seed: of everything random.
        cache: folder for what is synthesized and for rows.
        encoder: whose rows a head learns from, see kws.frontends.
        recordings: use those under the data root. Without them, or where there is little speech, that comes
            from the vectors that the package brings (training.heads.background).
        own: takes of the phrase by its user, each cut to it.
        false_alarms: what an earlier model took for the phrase.
    """
    clips = trainable() if recordings else []
    said = [clip for clip in clips if recipe.real_words and holds(clip, phrase)]
    others = [clip for clip in clips if clip.kind in (*SPOKEN, "noise") and clip not in said]
    known = None if _hours(others) >= LEAST_HOURS else read_background(encoder=encoder)
    others = [] if known else others
    noises = [clip.path for clip in clips if clip.kind == "noise"]
    beds = noises or made_noises(NOISES, seed=seed)
    texts = known.texts if known else [clip.label.lower() for clip in others]
    sentences = sorted({text for text in texts if text and not _mentions(text, phrase)})
    voices = spoken(phrase, recipe, sentences, seed=seed, cache=cache)
    real = [*_recorded(said, phrase, cache), *map(_synthetic, own)]
    words = [_synthetic(clip) for clip in voices.words]
    words += real * _copies(len(words), len(real), recipe.real_share)
    if not words:
        raise KwsError(f"nobody says {phrase!r}: allow material.synthetic_words, or give --recordings")
    takes = [*words, *map(Take, voices.others), *(_ALARM_COPIES * [Take(clip) for clip in false_alarms])]
    label = f"listening to {len(takes)} clips"
    made = embed(takes, beds, seed=seed, cache=cache, label=label, encoder=encoder)
    sequences = marked(made, [take.end is not None for take in takes])
    composed = len(sequences)
    if known:
        sequences = [(known.grid.coarse(rows), marks) for rows, marks in sequences]
        sequences += marked(known, [_mentions(text, phrase) for text in known.texts])
        names = list(map(_source, known.corpora, known.texts))
        told = sources_of(names, known.owner, known.first, look_back=look_back)
    else:
        label = f"listening to {len(others)} recordings"
        heard = embed(list(map(_take, others)), beds, seed=0, cache=cache, label=label, encoder=encoder)
        sequences += marked(heard, [_mentions(clip.label, phrase) for clip in others])
        names = [_source(clip.corpus, clip.label or clip.path.name) for clip in others]
        told = sources_of(names, heard.owner, heard.first, look_back=look_back)
    first, last = (round(edge / row_format(SPEECH_EMBEDDING).row_seconds) for edge in POSITIVE_SECONDS)
    hours = sum(len(rows) for rows, _ in sequences) * row_format(SPEECH_EMBEDDING).row_seconds / 3600
    examples = join(sequences, look_back=look_back, steps=last - first, first_real=composed)
    counts = _counted(voices, [*said, *others], known, own, false_alarms)
    return HeadMaterial(examples, counts, hours, told, len(known.corpora) if known else 0)


def marked(heard: Embedded | Background, holding: Sequence[bool]) -> Sequences:
    """Rows and marks of each stream.

    Args:
        heard: streams joined end to end.
        holding: for every take or text whether the phrase is in it; but just after the end of a phrase that
            is known, their rows and those of the second after them are not judged.
    """
    inside = np.array(holding)[heard.owner]
    echo = round(_ECHO_SECONDS / row_format(SPEECH_EMBEDDING).row_seconds)
    near = np.convolve(inside, np.ones(echo + 1))[: len(inside)] > 0
    marks = np.where(near, IGNORED, NEGATIVE).astype(np.int8)
    if isinstance(heard, Embedded):
        low, high = POSITIVE_SECONDS
        marks[(heard.since >= low) & (heard.since < high)] = POSITIVE
    starts = np.flatnonzero(heard.first)[1:]
    return list(zip(np.split(heard.rows, starts), np.split(marks, starts), strict=True))


def _synthetic(samples: Samples) -> Take:
    """Without the silence about it; the phrase ends where it does."""
    level = np.convolve(np.abs(samples.astype(np.float32)), np.ones(160) / 160, "same")
    loud = np.flatnonzero(level > _SILENCE * level.max(initial=1.0))
    cut = samples[loud[0] : loud[-1] + 1] if len(loud) else samples
    return Take(cut, len(cut) / SAMPLE_RATE)


def _recorded(said: Sequence[Clip], phrase: str, cache: Path) -> Iterator[Take]:
    """Whole clips; the phrase ends where alignment or else energy says."""
    spans = phrase_spans(said, phrase, cache=cache / "align") if said else {}
    for clip in said:
        _, end = spans.get(clip.path) or speech_span(read_samples(clip.path))
        yield Take(clip.path, end / SAMPLE_RATE)


def _take(clip: Clip) -> Take:
    return Take(clip.path)


def _hours(clips: Sequence[Clip]) -> float:
    """Of speech."""
    return sum(clip.seconds for clip in clips if clip.kind in SPOKEN) / 3600


def _source(corpus: str, label: str) -> str:
    return f"{corpus}: {label}" if label else corpus


def _copies(synthetic: int, real: int, share: float) -> int:
    """Of each real word, so that they are about this share of all."""
    wanted = share / max(0.05, 1 - share) * synthetic / max(1, real)
    return int(min(max(1, round(wanted)), _MOST_COPIES))


def _mentions(text: str, phrase: str) -> bool:
    """Whether it may hold the phrase, or is most of it.

    The phrase may stand within longer words, and some labels lack spaces: "heycomputer". Many people saying
    "computer" must not teach a head of "hey computer" that the phrase is what synthesizers say.
    """
    said, wanted = (words.lower().replace(" ", "") for words in (text, phrase))
    return wanted in said or (said in wanted and 2 * len(said) > len(wanted))


def _counted(
    voices: Spoken,
    clips: Sequence[Clip],
    known: Background | None,
    own: Sequence[Samples],
    false_alarms: Sequence[Samples],
) -> dict[str, int]:
    """How many clips of each corpus, and how many were made or brought by the user."""
    counts = Counter(clip.corpus for clip in clips)
    if known:
        counts.update(known.corpora)
    counts |= Counter({"own recordings": len(own), "false alarms": len(false_alarms)})
    return voices.counts() | dict(+counts)

"""The likeliest texts of dev recordings, as a rescorer is given them, kept in a file for the next time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import kws.grammar
import kws.recognition
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.priors import decoding_of
from kws.recognition.tokens import PHONES, LogProbs
from training.data.manifest import Clip
from training.kept import key_of
from training.understanding.dev_speech import Heard, graph_of, path_of


@dataclass(frozen=True, eq=False)
class NBest:
    """Of one recording."""

    clip: Clip
    heard: LogProbs
    texts: tuple[str, ...]
    """Each once, the best first."""
    scores: tuple[float, ...]
    """Nats of the first pass."""


def nbest_of(
    bundle: RecognizerBundle, heard: Sequence[Heard], grammar: str | None, cache: Path
) -> list[NBest]:
    """Of every clip, by a grammar among the examples or freely; in a file that another search outdates."""
    kept = cache.with_name(f"{cache.stem}-{_key(bundle, heard, grammar)}.json")
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
    else:
        search = _by_grammar(bundle, heard, grammar) if grammar else _freely(bundle, heard)
        found = [_best_of_each(texts) for texts in search]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    return [
        NBest(clip, sound, tuple(best), tuple(best.values()))
        for (clip, sound), best in zip(heard, found, strict=True)
    ]


def _key(bundle: RecognizerBundle, heard: Sequence[Heard], grammar: str | None) -> str:
    """Of the model, the clips, the grammar, and the code that searches."""
    folders = [Path(package.__path__[0]) for package in (kws.recognition, kws.grammar)]
    code = [path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.glob("*.py"))]
    sentences = path_of(grammar).read_text(encoding="utf-8") if grammar else None
    clips = [str(clip.path) for clip, _ in heard]
    return key_of([bundle.model_sha256, bundle.card.get("decoding"), clips, sentences, code])


def _by_grammar(
    bundle: RecognizerBundle, heard: Sequence[Heard], name: str
) -> Iterator[list[tuple[str, float]]]:
    step, priors = AcousticModel(bundle, "phones").step_seconds, decoding_of(bundle.card, PHONES).priors
    decoder = GrammarDecoder(graph_of(name), step, priors=priors)
    for _, sound in heard:
        decoder.reset()
        decoder.push(sound)
        yield [(path.text, path.score) for path in decoder.paths()]


def _freely(bundle: RecognizerBundle, heard: Sequence[Heard]) -> Iterator[list[tuple[str, float]]]:
    decoder = free_decoder(bundle, PHONES, AcousticModel(bundle, "phones").step_seconds)
    for _, sound in heard:
        decoder.reset()
        decoder.push(sound)
        yield [(decoder.text(found), found.score) for found in decoder.hypotheses()]


def _best_of_each(texts: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Of a text that was found several times the best."""
    best: dict[str, float] = {}
    for text, score in texts:
        best[text] = max(score, best.get(text, score))
    return best

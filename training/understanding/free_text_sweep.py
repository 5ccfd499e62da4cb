"""Word errors of free text by what it is searched with: language model, beam, weights, priors.

python -m training.understanding.free_text_sweep english [--sentences 120] [--set libri]

What one of SETTINGS changes against the one before it is what its row tells; the last is in use. The
end-points are those of `kws run`; costs are CPU seconds of the beam a second of audio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from kws.evaluation.transcripts import WordErrors
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.free_text import BY_PHONES, FreeTextConfig, WordModel, lexicon_of, small_model
from kws.recognition.ngram import read_arpa
from kws.recognition.packaged_trigram import PackagedTrigram
from kws.recognition.prefix_beam import PrefixBeamConfig
from kws.recognition.priors import decoding_of
from kws.recognition.text_scorer import Fusion, LexiconWords
from kws.recognition.tokens import PHONES
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.dev_speech import FREE, Heard, dev_sets, drawn, hear, word_errors
from training.understanding.listener import Listener


def _settings(
    beam: int,
    weight: float,
    word: float,
    priors: float,
    *,
    least: float = BY_PHONES.beam.least,
    slack: float = BY_PHONES.beam.slack,
    merge: bool = False,
) -> FreeTextConfig:
    return FreeTextConfig(Fusion(weight, word), priors, PrefixBeamConfig(beam, least, slack, merge))


BIGRAM = 0
"""Stands for the bundled bigram, where a trigram has so many words."""
EVERY_WORD = 70_244
"""Of the trigram, that the dictionary can pronounce."""
SETTINGS: tuple[tuple[int, FreeTextConfig], ...] = (
    (BIGRAM, _settings(8, 0.6, 1.0, 0.0)),
    (BIGRAM, _settings(32, 0.6, 1.0, 0.0)),
    (15_000, _settings(32, 0.6, 1.0, 0.0)),
    (40_000, _settings(32, 0.6, 1.0, 0.0)),
    (40_000, _settings(32, 0.6, 0.0, 0.0)),
    (40_000, _settings(32, 0.6, 0.0, 0.3)),
    (40_000, _settings(32, 0.8, 0.0, 0.4)),
    (40_000, _settings(32, 0.9, -0.5, 0.6)),
    (40_000, _settings(32, 0.9, -0.5, 0.6, least=8.0, slack=5.0)),
    (40_000, _settings(64, 0.9, -0.5, 0.6)),
    (40_000, _settings(32, 1.1, -0.5, 0.8)),
    (40_000, BY_PHONES),
    (EVERY_WORD, BY_PHONES),
)
"""Words of the trigram, and how it is searched."""


@dataclass
class LanguageModels:
    """Each opened when it is first asked for."""

    bundle: RecognizerBundle

    @cached_property
    def bigram(self) -> WordModel:
        """The recognizer's small one."""
        return read_arpa(small_model(self.bundle))

    def of(self, words: int) -> WordModel:
        """The bigram, or the package's trigram with so many words."""
        return self.bigram if words == BIGRAM else PackagedTrigram(words)


@dataclass(frozen=True)
class Row:
    """What came of a setting."""

    words: int
    config: FreeTextConfig
    errors: WordErrors
    cost: float
    """CPU seconds of the beam a second of audio."""

    def __str__(self) -> str:
        """As in a table of Markdown."""
        fusion, beam = self.config.fusion, self.config.beam
        cells = (
            "bigram" if self.words == BIGRAM else f"trigram, {self.words}",
            f"{beam.beam}{', merged' if beam.merge else ''}",
            f"{beam.least:g}, {beam.slack:g}",
            f"{fusion.weight:g}",
            f"{fusion.insertion:g}",
            f"{self.config.prior_weight:g}",
            f"{self.errors}",
            f"{self.cost:.3f}",
        )
        return f"| {' | '.join(cells)} |"


HEAD = """\
| model, words | beam | least, slack | weight | a word | priors | word errors | CPU s a second |
|---|---|---|---|---|---|---|---|"""


def swept(
    bundle: RecognizerBundle,
    heard: Sequence[Heard],
    settings: Sequence[tuple[int, FreeTextConfig]] = SETTINGS,
) -> Iterator[Row]:
    """A row for each of the settings."""
    step, models = AcousticModel(bundle, "phones").step_seconds, LanguageModels(bundle)
    for words, config in settings:
        listener = Listener(_decoder(bundle, models.of(words), config, step), step)
        texts = [listener.text(sound) for _, sound in heard]
        errors = word_errors([clip for clip, _ in heard], texts)
        yield Row(words, config, errors, listener.cpu / max(listener.audio, 1e-9))


def _decoder(bundle: RecognizerBundle, model: WordModel, config: FreeTextConfig, step: float) -> FreeDecoder:
    scorer = LexiconWords(lexicon_of(model, model.words), model, config.fusion)
    weight = config.prior_weight
    priors = decoding_of(bundle.card, PHONES, weight).priors if weight else None
    return FreeDecoder(PHONES, scorer, step, config=config.beam, priors=priors)


@click.command()
@click.argument("model")
@click.option("--sentences", default=120, show_default=True, help="Drawn evenly.")
@click.option("--set", "name", type=click.Choice(FREE), default=FREE[0], show_default=True)
@recognizer_cache_option
def main(model: str, sentences: int, name: str, cache: Path) -> None:
    """Print a row for each of SETTINGS."""
    bundle = find_recognizer(model)
    clips = dev_sets(read_manifest(recordings_manifest()))[name]
    heard = hear(bundle, clips, cache / f"heard-{name}.npz")
    click.echo(HEAD)
    for row in swept(bundle, drawn(heard, sentences)):
        click.echo(row)


if __name__ == "__main__":
    main()

"""Free text: which language model and lexicon a recognizer writes with, and how much they have a say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from weakref import WeakKeyDictionary

from kws.bundle import MODELS
from kws.grammar.pronunciation import pronunciations, read_ahead
from kws.recognition.between import Between
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.ctc import likeliest_spelling
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.lexicon import Lexicon, Spelling
from kws.recognition.ngram import ArpaModel, History, LanguageModel, read_arpa
from kws.recognition.packaged_trigram import packaged_trigram
from kws.recognition.prefix_beam import PrefixBeamConfig
from kws.recognition.priors import Priors, decoding_of
from kws.recognition.rescoring import Rescorer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.text_confidence import TextJudge
from kws.recognition.text_scorer import Fusion, LetterWords, LexiconWords
from kws.recognition.tokens import PHONES, LogProbs, Tokens


class WordModel(LanguageModel, Protocol):
    """A LanguageModel with a vocabulary."""

    @property
    def words(self) -> list[str]:
        """All that it may be asked about."""

    def log_prob(self, history: History, word: str, /) -> float:
        """ln p(word | history)."""


@dataclass(frozen=True)
class FreeTextConfig:
    """How much each source of knowledge counts."""

    fusion: Fusion
    prior_weight: float
    """Exponent of the priors that log-probabilities are divided by, see kws.recognition.priors."""
    beam: PrefixBeamConfig


BY_PHONES = FreeTextConfig(Fusion(0.9, -0.5), 0.6, PrefixBeamConfig(96, least=6.0, slack=4.0, merge=True))
"""Chosen on dev recordings (docs/experiments/recognizer.md)."""
BY_LETTERS = FreeTextConfig(Fusion(), 0.0, PrefixBeamConfig())


def free_decoder(
    bundle: RecognizerBundle,
    tokens: Tokens,
    step_seconds: float,
    lead_in: Sequence[Spelling] = (),
    boost: Mapping[str, float] = MappingProxyType({}),
    rescorer: Rescorer | None = None,
    language_model: str | Path | None = None,
    around: tuple[Sequence[str], Sequence[str]] | None = None,
    judge: TextJudge | None = None,
) -> FreeDecoder:
    """A decoder for anything that may be said.

    Args:
        bundle: the recognizer.
        tokens: of its log-probabilities.
        step_seconds: from one step to the next.
        lead_in: what may be left of a wake word.
        boost: phrases that are likelier than usual, with nats per token.
        rescorer: has a say in how whole texts are ranked.
        language_model: an ARPA file; None: the one that goes with the recognizer, see `language_model_of`.
        around: words before and after it, of which it is a part; None: it is all that is said.
        judge: says how likely it is right; None: as was fitted for all that is said, else `AsFound`.
    """
    model = language_model_of(bundle, tokens, language_model)
    told = Between(model, *around) if around else model
    config = _config(tokens)
    phrases = {way: nats for phrase, nats in boost.items() for way in phrase_spellings(phrase, tokens)}
    scorer: LetterWords | LexiconWords
    if tokens is PHONES:
        more = [word for phrase in boost for word in phrase.lower().split()]
        scorer = LexiconWords(lexicon_of(model, more, own=bool(lead_in)), told, config.fusion, lead_in)
    else:
        scorer = LetterWords(tokens.symbols, told, config.fusion)
    return FreeDecoder(
        tokens,
        scorer,
        step_seconds,
        config=config.beam,
        priors=_priors(bundle, tokens),
        phrases=phrases,
        rescorer=rescorer,
        judge=judge or _judge(bundle, tokens, part=around is not None),
    )


def text_score(
    model: str | Path,
    tokens: Tokens,
    language_model: str | Path | None = None,
    rescorer: Rescorer | None = None,
) -> Callable[[LogProbs, str], float]:
    """How the free search ranks a text in the end, in nats; minus infinity for what it could not write.

    Of the pronunciations of a text the first eight are tried, nearly always the usual ones.
    """
    bundle = find_recognizer(model)
    words, config = language_model_of(bundle, tokens, language_model), _config(tokens)
    known, priors = set(words.words), _priors(bundle, tokens)

    def score(log_probs: LogProbs, text: str) -> float:
        said = text.split()
        writable = known.issuperset(said) if tokens is PHONES else set(text) <= set(tokens.symbols)
        if not writable:
            return float("-inf")
        scaled = priors.scaled(log_probs) if priors else log_probs
        judged = rescorer.scores(log_probs, [text])[0] if rescorer else 0.0
        return (
            likeliest_spelling(scaled, _spellings(text, tokens)) + config.fusion.score(words, said) + judged
        )

    return score


def language_model_of(bundle: RecognizerBundle, tokens: Tokens, path: str | Path | None = None) -> WordModel:
    """The model of a path, or NAME.arpa.gz beside a recognizer, or a general English one.

    That is the trigram in the package `pocketsphinx` where words are written by phones, for which the
    package is needed anyway; by letters the small bundled one does.
    """
    if path is not None:
        return _arpa(path)
    small = small_model(bundle)
    return packaged_trigram() if tokens is PHONES and small.parent == MODELS else _arpa(small)


def _arpa(path: str | Path) -> ArpaModel:
    """One for all searches, as long as the file stays as it is."""
    try:
        found = Path(path).stat()
    except OSError:
        return read_arpa(path)  # which says what is wrong
    return _read(str(path), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read(path: str, *_stamp: int) -> ArpaModel:
    return read_arpa(path)


def small_model(bundle: RecognizerBundle) -> Path:
    """NAME.arpa.gz beside a recognizer, or the small English one that is bundled."""
    own = bundle.manifest_path.with_suffix(".arpa.gz")
    return own if own.is_file() else MODELS / "english.arpa.gz"


def _config(tokens: Tokens) -> FreeTextConfig:
    return BY_PHONES if tokens is PHONES else BY_LETTERS


def _judge(bundle: RecognizerBundle, tokens: Tokens, *, part: bool) -> TextJudge | None:
    """Fitted on whole texts by phones alone."""
    return decoding_of(bundle.card, tokens).text if tokens is PHONES and not part else None


def _priors(bundle: RecognizerBundle, tokens: Tokens) -> Priors | None:
    weight = _config(tokens).prior_weight
    return decoding_of(bundle.card, tokens, weight).priors if weight else None


def lexicon_of(model: WordModel, more: Sequence[str] = (), *, own: bool = False) -> Lexicon:
    """The words of a model, and more, by their pronunciations, and how frequent the model says they are.

    Making it takes as long as saying a word, so all searches with the same model share one; `own` is for
    those that write into it, as a lead-in does.
    """
    if more or own:
        return _new_lexicon(model, [*model.words, *more])
    known = _LEXICONS.get(model)
    if known is None:
        known = _LEXICONS[model] = _new_lexicon(model, model.words)
    return known


def _new_lexicon(model: WordModel, words: Iterable[str]) -> Lexicon:
    """Without marks like <s>."""
    words = list(words)
    read_ahead(words)
    spellings = {
        word: [PHONES.encode(reading) for reading in pronunciations(word)]
        for word in words
        if not word.startswith("<")
    }
    return Lexicon(spellings, {word: model.log_prob((), word) for word in spellings})


_LEXICONS: WeakKeyDictionary[WordModel, Lexicon] = WeakKeyDictionary()


def _spellings(text: str, tokens: Tokens) -> list[Spelling]:
    if not text:
        return [()]
    return phrase_spellings(text, tokens) if tokens is PHONES else [tokens.encode(text)]

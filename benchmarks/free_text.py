"""Sentences about anything: kws' recognizer and PocketSphinx write the same clips without a grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.in_turns import Decode, by_pocketsphinx, cpu_text, in_turns
from benchmarks.table import markdown
from kws.evaluation.transcripts import WordErrors
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.understanding.dev_speech import FREE, dev_sets, drawn, log_probs_of, word_errors
from training.understanding.listener import free_listener

RECOGNIZER = "english"
MOST = 300
"""Clips drawn of each set at most."""
TITLES = {
    "libri": "LibriSpeech, native readers",
    "ocean": "SpeechOcean762, Mandarin speakers, half of them children",
}
KWS, POCKETSPHINX = "kws", "pocketsphinx"


def measure() -> dict[str, Any]:
    """By set: clips, and of every clip its seconds of audio, each one's CPU seconds; errors by group."""
    clips = dev_sets(read_manifest(recordings_manifest()))
    decoders = {KWS: _kws(), POCKETSPHINX: _pocketsphinx()}
    return {name: _measured(drawn(clips[name], MOST), decoders) for name in FREE if clips[name]}


def _measured(clips: Sequence[Clip], decoders: Mapping[str, Decode]) -> dict[str, Any]:
    """Loading is not timed."""
    texts, cpu = in_turns(clips, decoders)
    errors = {who: word_errors(clips, written) for who, written in texts.items()}
    return {
        "clips": len(clips),
        "seconds": [clip.seconds for clip in clips],
        "cpu": cpu,
        "groups": errors[KWS].groups,
        "words": errors[KWS].words,
        "errors": {who: found.errors for who, found in errors.items()},
    }


def _kws() -> Decode:
    bundle = find_recognizer(RECOGNIZER)
    acoustic = AcousticModel(bundle, "phones")
    listener = free_listener(bundle, acoustic.step_seconds)
    return lambda clip: listener.text(log_probs_of(acoustic, clip.path))


def _pocketsphinx() -> Decode:
    """With the acoustic model, the dictionary and the trigram of its package, and all else by default."""
    from pocketsphinx import Decoder

    return by_pocketsphinx(Decoder(loglevel="FATAL"))


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    return _SECTION.format(table=markdown(_COLUMNS, [_row(name, one) for name, one in found.items()]))


def _row(name: str, measured: Mapping[str, Any]) -> tuple[str, ...]:
    errors = {who: _word_errors(measured, who) for who in (KWS, POCKETSPHINX)}
    return (
        f"{TITLES[name]}, {measured['clips']} clips",
        *(str(one) for one in errors.values()),
        errors[KWS].fewer_than(errors[POCKETSPHINX]).percent,
        *(cpu_text(measured["cpu"][who], measured["seconds"]) for who in errors),
    )


def _word_errors(measured: Mapping[str, Any], who: str) -> WordErrors:
    return WordErrors(measured["groups"], tuple(measured["errors"][who]), tuple(measured["words"]))


_COLUMNS = (
    "",
    "kws, word error rate",
    "PocketSphinx",
    "by how many points kws errs less",
    "kws, CPU s per audio s",
    "PocketSphinx",
)
_SECTION = """\
Sentences of the `dev` recordings, some taken evenly, each an utterance of its own. Both write words of the
dictionary and weigh them by the trigram that PocketSphinx's package brings; kws as `--model english` has it,
PocketSphinx with its own acoustic model and all else by default. Neither has learned from these recordings,
but kws has from other speakers of the same two corpora, and how much the trigram counts for it, and how wide
it searches, was chosen on some of these.

{table}

Intervals are at 95 %, by resampling speakers for errors and clips for CPU time. That is of both in one
process, taking turns clip by clip, without loading.
"""

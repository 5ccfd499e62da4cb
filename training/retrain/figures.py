"""Misses and false alarms of two models on the dev recordings, where there are any of the word."""

from __future__ import annotations

import dataclasses

import click

from kws.bundle import Bundle, read_bundle
from training.accuracy.dev_recordings import dev_clips
from training.accuracy.figures import Figures
from training.accuracy.streams import is_word
from training.data.manifest import recordings_manifest
from training.evaluate import evaluate, fill_bundle, summary

LEAST_PER_HOUR = 0.25
"""False alarms an hour that the new model may have in any case: with fewer, chance decides."""


def measured(old: Bundle, new: Bundle) -> Bundle:
    """The new bundle with a threshold at the old one's false alarms an hour, and the figures in its card.

    Both are printed. Where the word is not said in the dev recordings the bundle stays as it is.
    """
    if not can_measure(old):
        click.echo("no figures: there are no dev recordings of this word", err=True)
        return new
    before, _ = evaluate(old)
    allowed = max(LEAST_PER_HOUR, before.rate(before.default).per_hour)
    after, calibration = evaluate(new, false_alarms_per_hour=allowed)
    after = dataclasses.replace(after, measured={"command": str(new.card["command"])})
    fill_bundle(new.manifest_path, after, calibration)
    for line in both(before, after):
        click.echo(line)
    return read_bundle(new.manifest_path)


def can_measure(bundle: Bundle) -> bool:
    """Whether the word is said in the dev recordings."""
    word = bundle.wake_word.lower()
    return recordings_manifest().is_file() and any(is_word(clip, word) for clip in dev_clips())


def both(before: Figures, after: Figures) -> list[str]:
    """A paragraph each."""
    return [f"{when}: {summary(figures)}" for when, figures in (("before", before), ("after", after))]

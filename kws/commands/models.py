"""`kws models` and `kws info`: what there is to listen for, and what is known about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from kws.commands.options import quiet_runtime
from kws.commands.table import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from kws.bundle import Bundle
    from kws.recognition.bundle import RecognizerBundle
    from kws.runtimes import Model


@click.command()
def models() -> None:
    """List the bundled models.

    Name, phrase, size and default threshold.
    """
    from kws.bundle import bundled_names, find_bundle
    from kws.recognition.bundle import bundled_recognizers, find_recognizer

    wake_words = [find_bundle(name) for name in bundled_names()]
    rows = [(b.name, b.wake_word, _size(b.model_path), str(b.threshold)) for b in wake_words]
    recognizers = [find_recognizer(name) for name in bundled_recognizers()]
    rows += [(r.name, f"(recognizer: {r.language})", _size(r.model_path), "") for r in recognizers]
    print_table(("name", "phrase", "size", "threshold"), rows)


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def info(model: str, as_json: bool) -> None:
    """Show what is known about a model.

    Manifest, tensors, checksum, calibration table and card of MODEL, a bundled name or a path.
    """
    from kws.bundle import find_bundle
    from kws.recognition.bundle import find_recognizer, names_recognizer

    if names_recognizer(model):
        facts = describe_recognizer(find_recognizer(model))
    else:
        facts = describe(find_bundle(model))
    if as_json:
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        _print_facts(facts)


def describe(bundle: Bundle) -> dict[str, Any]:
    """Everything `kws info` shows, as plain values; opens the model, so raises BundleError if it is unfit."""
    with quiet_runtime():
        model = bundle.open_model()
    return {
        "name": bundle.name,
        "wake_word": bundle.wake_word,
        "labels": list(bundle.labels),
        **_files(bundle.manifest_path, bundle.model_path),
        "frontend": bundle.manifest.get("kws", {}).get("frontend"),
        **_tensors(model),
        "threshold": bundle.threshold,
        **_stages(bundle),
        "window": bundle.window,
        "refractory_seconds": bundle.refractory_seconds,
        "warmup_rows": bundle.warmup_rows,
        "author": bundle.manifest.get("author"),
        "website": bundle.manifest.get("website"),
        "trained_languages": bundle.manifest.get("trained_languages"),
        "calibration": [dict(row) for row in bundle.calibration],
        "card": dict(bundle.card),
    }


def describe_recognizer(bundle: RecognizerBundle) -> dict[str, Any]:
    """The same of a recognizer."""
    with quiet_runtime():
        model = bundle.open_model()
    return {
        "name": bundle.name,
        "language": bundle.language,
        "tokens": {kind: count for kind, (_, count) in bundle.tokens.items()},
        **_files(bundle.manifest_path, bundle.model_path),
        **_tensors(model),
        "calibration": [],
        "card": dict(bundle.card),
    }


def _stages(bundle: Bundle) -> dict[str, Any]:
    """Who hears the word by default; nothing where it is this model alone."""
    from kws.cascade import stages_of
    from kws.confirmation_table import second_stage_of
    from kws.fusion import members_of

    first, second = stages_of(bundle)
    stage = second_stage_of(first, second) if second else None
    if second is None or stage is None:
        return {}
    return {
        "proposed_by": str(first.manifest_path),
        "confirmed_by": " + ".join(str(member.manifest_path) for member in members_of(second)),
        "their_thresholds": [stage.threshold, stage.least],
    }


def _files(manifest: Path, model: Path) -> dict[str, Any]:
    import hashlib

    data = model.read_bytes()
    return {
        "manifest": str(manifest),
        "model": str(model),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _tensors(model: Model) -> dict[str, Any]:
    return {
        "input": {
            "type": "int8",
            "shape": [1, model.stride, model.channels],
            "quantization": model.input_quantization,
        },
        "output": {"type": "uint8", "shape": [1, model.labels], "quantization": model.output_quantization},
    }


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.0f} kB"


def _print_facts(facts: Mapping[str, Any]) -> None:
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        if key not in ("calibration", "card") and value is not None:
            click.echo(f"{key:{width}}  {_text(value)}")
    if facts["calibration"]:
        click.echo("\ncalibration")
        heading = list(facts["calibration"][0])
        print_table(heading, [[_text(row.get(key, "")) for key in heading] for row in facts["calibration"]])
    if facts["card"]:
        click.echo("\ncard")
        _print_tree(facts["card"], "  ")


def _print_tree(tree: Mapping[str, Any], indent: str) -> None:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            click.echo(f"{indent}{key}:")
            _print_tree(value, indent + "  ")
        else:
            click.echo(f"{indent}{key}: {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(part) for part in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)

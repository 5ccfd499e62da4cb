"""A model on disk: NAME.json beside NAME.tflite.

The JSON is ESPHome's micro-wake-word manifest, version 2, so the pair runs on a device as it is; what
kws adds stands under the key "kws" (see docs/model-bundles.md, and kws/manifest.py for the rules). Manifests
without that key, as the community publishes them, load with ESPHome's own defaults.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kws.checksum import checksum
from kws.detector import DetectorConfig
from kws.errors import BundleError
from kws.fit import check_file, check_input, check_installed
from kws.frontends import MICRO, RowFormat, row_format
from kws.manifest import FORMAT, front_end_of, is_recognizer, made_for, read_manifest
from kws.manifest_keys import write_json
from kws.model import open_model
from kws.runtimes import Model
from kws.states import State, read_states

if TYPE_CHECKING:
    from kws.delegates import Delegate

MODELS = Path(__file__).parent / "models"
"""Where the bundled models lie."""

_ESPHOME_WARMUP_ROWS = 74


@dataclass(frozen=True)
class Bundle:
    """A wake-word model, everything needed to run it, and what is known about it."""

    name: str
    """File stem, by which commands and the API call it."""
    manifest_path: Path
    model_path: Path
    wake_word: str
    """As spoken."""
    labels: tuple[str, ...]
    """One per output of the model; the `name` of its detections."""
    threshold: float
    """Default threshold on the smoothed score."""
    window: int
    """Model steps averaged."""
    refractory_seconds: float = 1.0
    """Quiet time after a detection."""
    warmup_rows: int = 0
    """Front-end rows after a start that are not judged."""
    word_seconds: float = 0.8
    """Typical time from the word's start to its detection, by which `start` is estimated."""
    front_end: str = MICRO
    """Where its rows come from, see kws.frontends."""
    model_sha256: str | None = None
    states: tuple[State, ...] = ()
    """What the caller carries from step to step; empty where the state is inside the graph."""
    calibration: tuple[Mapping[str, Any], ...] = ()
    """Rows of threshold, misses and false alarms, as measured; see docs/model-bundles.md."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Data, licences, seed, the command that made it, figures."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """The JSON as read."""
    engine: str = ""
    """What computes it, see kws.runtimes; empty: the one that the environment names, or LiteRT."""

    @property
    def rows(self) -> RowFormat:
        """What its rows are like."""
        return row_format(self.front_end)

    def open_model(self, *, reference_kernels: bool = False, delegate: Delegate | None = None) -> Model:
        """The running model, checked against this manifest; raises BundleError with the remedy."""
        check_file(self.manifest_path, self.model_path, self.model_sha256)
        check_installed(self.manifest_path, self.front_end)
        model = open_model(
            self.model_path,
            engine=self.engine,
            reference_kernels=reference_kernels,
            delegate=delegate,
            states=self.states,
        )
        check_input(self.model_path, model, self.front_end)
        self._check_outputs(model)
        return model

    def detector_config(self, model: Model, threshold: float | None = None) -> DetectorConfig:
        """Seconds and rows of this manifest in steps of `model`; `threshold` overrides the default."""
        step_seconds = model.stride * self.rows.row_seconds
        return DetectorConfig(
            threshold=self.threshold if threshold is None else threshold,
            window=self.window,
            refractory=round(self.refractory_seconds / step_seconds),
            warmup=-(-self.warmup_rows // model.stride),
            output_scale=model.output_quantization[0],
        )

    def _check_outputs(self, model: Model) -> None:
        output_scale, output_zero = model.output_quantization
        if output_scale <= 0 or output_zero != 0:
            raise BundleError(
                f"{self.model_path}: output quantization is scale {output_scale:.6g}, zero point "
                f"{output_zero}; expected a scale above 0 and zero point 0; quantize a sigmoid's output so"
            )
        if model.labels != len(self.labels):
            raise BundleError(
                f"{self.model_path}: {model.labels} outputs but {self.manifest_path.name} names "
                f"{len(self.labels)} labels; list one label per output under kws.labels"
            )


def find_bundle(name_or_path: str | Path) -> Bundle:
    """A bundled name ("computer"), a directory holding one bundle, a .json, or the .tflite beside it.

    A bundled name comes first; write ./computer for a file or directory that is called the same.

    Raises:
        BundleError: nothing there, or it cannot be used; the text says what to do.
    """
    if is_bundled(str(name_or_path)):
        return read_bundle(MODELS / f"{name_or_path}.json")
    path = Path(name_or_path)
    if os.path.isdir(path):
        return read_bundle(_only_manifest(path))
    if os.path.isfile(path):
        return read_bundle(_beside(path) if path.suffix == ".tflite" else path)
    raise BundleError(
        f"{name_or_path}: no such model; bundled are {', '.join(bundled_names()) or 'none'}, "
        "or give the path of a manifest (.json)"
    )


def bundled_names() -> list[str]:
    """Names of the wake-word models that come with the package, sorted; recognizers lie beside them."""
    return sorted(path.stem for path in MODELS.glob("*.json") if not is_recognizer(path))


def is_bundled(name: str) -> bool:
    """Whether it is one of `bundled_names`, of which it reads no other."""
    return f"{name}.json" in os.listdir(MODELS) and not is_recognizer(MODELS / f"{name}.json")


def read_bundle(path: Path) -> Bundle:
    """Read and check one manifest; raises BundleError naming the key, what was found and what is allowed."""
    manifest = read_manifest(path)
    micro, ours = manifest["micro"], manifest.get("kws", {})
    return Bundle(
        name=path.stem,
        manifest_path=path,
        model_path=path.parent / manifest["model"],
        wake_word=manifest["wake_word"],
        labels=tuple(ours.get("labels", (path.stem,))),
        threshold=float(micro["probability_cutoff"]),
        window=micro["sliding_window_size"],
        refractory_seconds=ours.get("refractory_seconds", Bundle.refractory_seconds),
        warmup_rows=ours.get("warmup_rows", _ESPHOME_WARMUP_ROWS),
        word_seconds=ours.get("word_seconds", Bundle.word_seconds),
        front_end=front_end_of(ours),
        model_sha256=ours.get("model_sha256"),
        states=read_states(path, ours.get("states", ())),
        calibration=tuple(ours.get("calibration", ())),
        card=ours.get("card", {}),
        manifest=manifest,
    )


def write_bundle(
    directory: Path, name: str, tflite: bytes, manifest: Mapping[str, Any], *, front_end: str = MICRO
) -> Path:
    """Write NAME.tflite and NAME.json, adding format, digest and checksum; returns the JSON's path.

    Args:
        directory: made when not there.
        name: of both files.
        tflite: the model.
        manifest: everything else that is known about it.
        front_end: where its rows come from, see kws.frontends.

    Raises:
        BundleError: the manifest is one that would not load again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stamp = {
        "format": FORMAT,
        **made_for(front_end),
        "model_sha256": checksum(tflite),
    }
    given = {k: v for k, v in manifest.get("kws", {}).items() if k not in _MADE_FOR}
    ours = {**stamp, **given, **stamp}  # first in order, and never those of an older bundle
    path = directory / f"{name}.json"
    write_json(path, {**manifest, "model": f"{name}.tflite", "kws": ours})
    (directory / f"{name}.tflite").write_bytes(tflite)
    read_manifest(path)
    return path


_MADE_FOR = ("frontend", "encoder")


def _beside(model: Path) -> Path:
    manifest = model.with_suffix(".json")
    if not manifest.is_file():
        raise BundleError(f"{model}: its manifest {manifest.name} is not beside it; copy it there")
    return manifest


def _only_manifest(directory: Path) -> Path:
    found = [path for path in sorted(directory.glob("*.json")) if path.with_suffix(".tflite").is_file()]
    if len(found) != 1:
        raise BundleError(
            f"{directory}: holds {len(found)} model bundles (NAME.json beside NAME.tflite); "
            "give the .json of the one to use"
        )
    return found[0]

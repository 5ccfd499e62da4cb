"""A recognizer on disk: NAME.json beside NAME.tflite.

The pair looks like a wake word's (see docs/model-bundles.md), but its JSON has the type "recognizer" and no
part for ESPHome; what it holds is described in docs/recognizer.md.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kws.bundle import MODELS
from kws.delegates import Delegate
from kws.encoders.lower_layers import LowerLayers, LowerLayersConfig
from kws.encoders.speech_embedding import published_network
from kws.errors import BundleError, KwsError
from kws.frontend import FrontendConfig
from kws.frontends import MICRO, WAVEFORM, row_format
from kws.manifest import RECOGNIZER, is_recognizer
from kws.model import open_model
from kws.recognition.tokens import CHARACTERS, PHONES, Kind, Tokens
from kws.runtimes import Model

VERSION = 1
LOWER_LAYERS = "speech-embedding-lower"
ENCODERS = {LOWER_LAYERS: LowerLayersConfig}
"""Name in a manifest -> what its values depend on."""
TOKEN_SETS: dict[Kind, Tokens] = {"phones": PHONES, "characters": CHARACTERS}


@dataclass(frozen=True)
class RecognizerBundle:
    """An acoustic model and everything needed to run it."""

    name: str
    """File stem, by which commands and the API call it."""
    manifest_path: Path
    model_path: Path
    language: str
    """As in BCP 47, "en"."""
    tokens: Mapping[Kind, tuple[int, int]]
    """Token set -> its first output and how many it has."""
    flush_rows: int
    """Quiet front-end rows after the last one, in which the model writes down what it still holds back."""
    model_sha256: str
    encoder: str = ""
    """What hears the audio for the model, one of `ENCODERS`; "" for the micro front end."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Data, licences, seed, the command that made it, figures."""

    @property
    def front_end(self) -> str:
        """Where its rows come from, see kws.frontends: an encoder hears the audio itself."""
        return WAVEFORM if self.encoder else MICRO

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next."""
        return row_format(self.front_end).row_seconds

    def require_encoder(self) -> None:
        """BundleError, which says what to install, where its encoder is not."""
        if not self.encoder:
            return
        try:
            published_network()
        except KwsError as error:
            raise BundleError(f"{self.manifest_path}: {error}") from error

    def new_encoder(self) -> LowerLayers | None:
        """Its encoder, which has heard nothing; raises BundleError where that is not installed."""
        self.require_encoder()
        return LowerLayers() if self.encoder else None

    def open_model(self, *, reference_kernels: bool = False, delegate: Delegate | None = None) -> Model:
        """The running model, checked against this manifest; raises BundleError with the remedy."""
        if not self.model_path.is_file():
            raise BundleError(
                f"{self.manifest_path}: its model {self.model_path.name} is not beside it; copy it there"
            )
        if hashlib.sha256(self.model_path.read_bytes()).hexdigest() != self.model_sha256:
            raise BundleError(
                f"{self.model_path}: not the file that {self.manifest_path.name} describes "
                "(SHA-256 differs); install the two files together"
            )
        model = open_model(self.model_path, reference_kernels=reference_kernels, delegate=delegate)
        self._check(model)
        return model

    def _check(self, model: Model) -> None:
        channels, scale, zero = _input_of(self.encoder)
        found_scale, found_zero = model.input_quantization
        fits = np.isclose(found_scale, scale, rtol=1e-3) and found_zero == zero
        if model.channels != channels or not fits:
            raise BundleError(
                f"{self.model_path}: takes {model.channels} channels, scale {found_scale:.6g}, "
                f"zero point {found_zero}; the {self.encoder or 'front end'} gives {channels}, {scale:.6g}, "
                f"{zero}; train it on those"
            )
        outputs = max(first + count for first, count in self.tokens.values())
        if model.labels != outputs:
            raise BundleError(
                f"{self.model_path}: {model.labels} outputs, but {self.manifest_path.name} names {outputs} "
                "under kws.tokens; install the two files together"
            )


def bundled_recognizers() -> list[str]:
    """Names of the recognizers that come with the package, sorted."""
    return sorted(path.stem for path in MODELS.glob("*.json") if is_recognizer(path))


def names_recognizer(name_or_path: str | Path) -> bool:
    """Whether this is a recognizer, as `find_recognizer` takes it, and not a wake word."""
    path = Path(name_or_path)
    if path.is_dir():
        return any(is_recognizer(file) for file in path.glob("*.json"))
    return str(name_or_path) in bundled_recognizers() or is_recognizer(path.with_suffix(".json"))


def find_recognizer(name_or_path: str | Path) -> RecognizerBundle:
    """A bundled name ("english"), a directory holding one recognizer, a .json, or the .tflite beside it.

    Raises:
        BundleError: nothing there, or it cannot be used; the text says what to do.
    """
    if str(name_or_path) in bundled_recognizers():
        return read_recognizer(MODELS / f"{name_or_path}.json")
    path = Path(name_or_path)
    if path.is_dir():
        return read_recognizer(_only_manifest(path))
    manifest = path.with_suffix(".json") if path.suffix == ".tflite" else path
    if manifest.is_file():
        return read_recognizer(manifest)
    raise BundleError(
        f"{name_or_path}: no such recognizer; bundled are {', '.join(bundled_recognizers()) or 'none'}, "
        "or give the path of a manifest (.json)"
    )


def read_recognizer(path: Path) -> RecognizerBundle:
    """Read and check one manifest; raises BundleError naming the key, what was found and what is allowed."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not a readable JSON manifest ({error}); install it again") from error
    manifest = _object(path, "the manifest", manifest)
    if (manifest.get("type"), manifest.get("version")) != (RECOGNIZER, VERSION):
        found = f"type {_shown(manifest.get('type'))}, version {_shown(manifest.get('version'))}"
        raise BundleError(
            f'{path}: {found}; expected "{RECOGNIZER}" and {VERSION}: give a recognizer, or update kws'
        )
    ours = _object(path, "kws", manifest.get("kws"))
    encoder = _encoder(path, ours)
    return RecognizerBundle(
        name=path.stem,
        manifest_path=path,
        model_path=path.parent / _text(path, "model", manifest.get("model")),
        language=_text(path, "language", manifest.get("language")),
        tokens=_tokens(path, ours.get("tokens")),
        flush_rows=_count(path, "kws.flush_rows", ours.get("flush_rows")),
        model_sha256=_text(path, "kws.model_sha256", ours.get("model_sha256")),
        encoder=encoder,
        card=_object(path, "kws.card", ours.get("card", {})),
    )


def write_recognizer(
    directory: Path, name: str, tflite: bytes, *, language: str, tokens: Mapping[str, tuple[int, int]],
    flush_rows: int, card: Mapping[str, Any], encoder: str = "",
) -> Path:  # fmt: skip
    """Write NAME.tflite and NAME.json; returns the JSON's path. `encoder`: one of ENCODERS, if any."""
    directory.mkdir(parents=True, exist_ok=True)
    ours = {
        "task": RECOGNIZER,
        **_made_for(encoder),
        "model_sha256": hashlib.sha256(tflite).hexdigest(),
        "tokens": {kind: list(place) for kind, place in tokens.items()},
        "flush_rows": flush_rows,
        "card": dict(card),
    }
    manifest = {
        "type": RECOGNIZER,
        "version": VERSION,
        "language": language,
        "model": f"{name}.tflite",
        "kws": ours,
    }
    path = directory / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (directory / f"{name}.tflite").write_bytes(tflite)
    read_recognizer(path)
    return path


def _input_of(encoder: str) -> tuple[int, float, int]:
    """Channels, scale and zero point of what a model takes."""
    if encoder:
        sounds = LowerLayersConfig()
        return sounds.values, sounds.scale, sounds.zero_point
    config = FrontendConfig()
    return config.channels, config.row_scale, config.row_zero_point


def _made_for(encoder: str) -> dict[str, Any]:
    if encoder:
        return {"encoder": {"name": encoder, "digest": ENCODERS[encoder]().digest}}
    return {"frontend": FrontendConfig().digest}


def _encoder(path: Path, ours: Mapping[str, Any]) -> str:
    """Name of the encoder, or ""; BundleError where the model was made for another one, or front end."""
    if "encoder" not in ours:
        digest, found = FrontendConfig().digest, ours.get("frontend")
        if found != digest:
            raise BundleError(
                f"{path}: made for front end {_shown(found)}, this one is {digest!r}; "
                "train the model again with this version"
            )
        return ""
    stated = _object(path, "kws.encoder", ours["encoder"])
    name = _text(path, "kws.encoder.name", stated.get("name"))
    if name not in ENCODERS:
        raise BundleError(f"{path}: kws.encoder.name is {_shown(name)}; allowed are {', '.join(ENCODERS)}")
    digest = ENCODERS[name]().digest
    if stated.get("digest") != digest:
        raise BundleError(
            f"{path}: made for {name} {_shown(stated.get('digest'))}, this one is {digest!r}; "
            "train the model again with this version"
        )
    return name


def _tokens(path: Path, value: Any) -> dict[Kind, tuple[int, int]]:
    """Where each token set lies among the outputs; each as long as this version's set."""
    table = _object(path, "kws.tokens", value)
    found: dict[Kind, tuple[int, int]] = {}
    for kind, tokens in TOKEN_SETS.items():
        place = table.get(kind)
        if place is None:
            continue
        whole = isinstance(place, list) and len(place) == 2 and all(type(n) is int for n in place)
        if not whole or place[0] < 0 or place[1] != len(tokens):
            raise BundleError(
                f"{path}: kws.tokens.{kind} is {_shown(place)}; it must be [first output, {len(tokens)}]"
            )
        found[kind] = (place[0], place[1])
    if not found:
        raise BundleError(f"{path}: kws.tokens is {_shown(value)}; it must name {' or '.join(TOKEN_SETS)}")
    return found


def _object(path: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BundleError(f"{path}: {key} is {_shown(value)}; it must be an object")
    return value


def _text(path: Path, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BundleError(f"{path}: {key} is {_shown(value)}; it must be text")
    return value


def _count(path: Path, key: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 1000:
        raise BundleError(f"{path}: {key} is {_shown(value)}; it must be a whole number from 0 to 1000")
    return value


def _only_manifest(directory: Path) -> Path:
    found = [path for path in sorted(directory.glob("*.json")) if is_recognizer(path)]
    if len(found) != 1:
        raise BundleError(f"{directory}: holds {len(found)} recognizers; give the .json of the one to use")
    return found[0]


def _shown(value: Any) -> str:
    return reprlib.repr(value)

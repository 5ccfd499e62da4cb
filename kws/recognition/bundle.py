"""A recognizer on disk: NAME.json beside NAME.tflite.

The pair looks like a wake word's (see docs/model-bundles.md), but its JSON has the type "recognizer" and no
part for ESPHome; what it holds is described in docs/recognizer.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kws.bundle import MODELS
from kws.checksum import checksum
from kws.delegates import Delegate
from kws.errors import BundleError
from kws.fit import check_file, check_input, check_installed
from kws.frontends import MICRO, WAVEFORM, new_front_end, row_format
from kws.manifest import RECOGNIZER, check_front_end, front_end_of, is_recognizer, made_for
from kws.manifest_keys import OBJECT, TEXT, check, check_stated, number, read_json, shown, whole, write_json
from kws.model import open_model
from kws.recognition.confidence import Calibration
from kws.recognition.text_confidence import CURVES, OFFSET
from kws.recognition.tokens import CHARACTERS, PHONES, Kind, Tokens
from kws.runtimes import Model
from kws.types import Rows, Samples, Stage

VERSION = 1
TOKEN_SETS: dict[Kind, Tokens] = {"phones": PHONES, "characters": CHARACTERS}

_TOP = {"language": TEXT, "model": TEXT, "kws": OBJECT}
_WEIGHT = number(-1e6, 1e6)
_WEIGHTS = {weight.name: _WEIGHT for weight in fields(Calibration)}
_OURS = {"tokens": OBJECT, "flush_rows": whole(0, 1000), "model_sha256": TEXT}


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
    encoder: str = MICRO
    """What makes of audio what the model takes, see kws.frontends."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Data, licences, seed, the command that made it, figures."""

    @property
    def front_end(self) -> str:
        """What it is pushed, see kws.frontends."""
        return pushed_for(self.encoder)

    @property
    def row_seconds(self) -> float:
        """Time from one row that it is pushed to the next."""
        return row_format(self.front_end).row_seconds

    @property
    def input_seconds(self) -> float:
        """Time from one row that its model takes to the next."""
        return row_format(self.encoder).row_seconds

    def require_encoder(self) -> None:
        """BundleError, which says what to install, where its encoder is not."""
        check_installed(self.manifest_path, self.encoder)

    def new_encoder(self) -> Stage[Samples, Rows] | None:
        """What hears the audio that it is pushed; None for the micro front end, whose rows it is pushed.

        Raises:
            BundleError: it is not installed.
        """
        self.require_encoder()
        return None if self.encoder == MICRO else new_front_end(self.encoder)

    def open_model(self, *, reference_kernels: bool = False, delegate: Delegate | None = None) -> Model:
        """The running model, checked against this manifest; raises BundleError with the remedy."""
        check_file(self.manifest_path, self.model_path, self.model_sha256)
        model = open_model(self.model_path, reference_kernels=reference_kernels, delegate=delegate)
        check_input(self.model_path, model, self.encoder)
        self._check_outputs(model)
        return model

    def _check_outputs(self, model: Model) -> None:
        outputs = max(first + count for first, count in self.tokens.values())
        if model.labels != outputs:
            raise BundleError(
                f"{self.model_path}: {model.labels} outputs, but {self.manifest_path.name} names {outputs} "
                "under kws.tokens; install the two files together"
            )


def pushed_for(encoder: str) -> str:
    """What a recognizer is pushed: the micro front end's rows, or the audio for an encoder of its own."""
    return MICRO if encoder == MICRO else WAVEFORM


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
    manifest = read_json(path)
    if (manifest.get("type"), manifest.get("version")) != (RECOGNIZER, VERSION):
        found = f"type {shown(manifest.get('type'))}, version {shown(manifest.get('version'))}"
        raise BundleError(
            f'{path}: {found}; expected "{RECOGNIZER}" and {VERSION}: give a recognizer, or update kws'
        )
    check(path, "", manifest, _TOP)
    ours = manifest["kws"]
    check_front_end(path, ours)
    check(path, "kws.", ours, _OURS)
    check_stated(path, "kws.", ours, {"card": OBJECT})
    _check_confidence(path, ours.get("card", {}))
    return RecognizerBundle(
        name=path.stem,
        manifest_path=path,
        model_path=path.parent / manifest["model"],
        language=manifest["language"],
        tokens=_tokens(path, ours["tokens"]),
        flush_rows=ours["flush_rows"],
        model_sha256=ours["model_sha256"],
        encoder=front_end_of(ours),
        card=ours.get("card", {}),
    )


def write_recognizer(
    directory: Path, name: str, tflite: bytes, *, language: str, tokens: Mapping[str, tuple[int, int]],
    flush_rows: int, card: Mapping[str, Any], encoder: str = MICRO,
) -> Path:  # fmt: skip
    """Write NAME.tflite and NAME.json; returns the JSON's path. `encoder`: see kws.frontends."""
    directory.mkdir(parents=True, exist_ok=True)
    ours = {
        "task": RECOGNIZER,
        **made_for(encoder),
        "model_sha256": checksum(tflite),
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
    write_json(path, manifest)
    (directory / f"{name}.tflite").write_bytes(tflite)
    read_recognizer(path)
    return path


def _tokens(path: Path, table: Mapping[str, Any]) -> dict[Kind, tuple[int, int]]:
    """Where each token set lies among the outputs; each as long as this version's set."""
    found: dict[Kind, tuple[int, int]] = {}
    for kind, tokens in TOKEN_SETS.items():
        place = table.get(kind)
        if place is None:
            continue
        numbers = isinstance(place, list) and len(place) == 2 and all(type(n) is int for n in place)
        if not numbers or place[0] < 0 or place[1] != len(tokens):
            raise BundleError(
                f"{path}: kws.tokens.{kind} is {shown(place)}; it must be [first output, {len(tokens)}]"
            )
        found[kind] = (place[0], place[1])
    if not found:
        raise BundleError(f"{path}: kws.tokens is {shown(table)}; it must name {' or '.join(TOKEN_SETS)}")
    return found


def _check_confidence(path: Path, card: Mapping[str, Any]) -> None:
    """What was fitted by an older kws may lack weights; what a newer one has fitted would be misjudged."""
    check_stated(path, "kws.card.", card, {"decoding": OBJECT})
    decoding = card.get("decoding", {})
    check_stated(path, "kws.card.decoding.", decoding, {"confidence": OBJECT, "text_confidence": OBJECT})
    confidence = decoding.get("confidence", {})
    check_stated(path, "kws.card.decoding.confidence.", confidence, _WEIGHTS)
    _check_known(path, "confidence.", confidence, _WEIGHTS)
    if curves := decoding.get("text_confidence"):
        check(path, "kws.card.decoding.text_confidence.", curves, dict.fromkeys(CURVES, OBJECT))
        _check_known(path, "text_confidence.", curves, CURVES)
        for name, features in CURVES.items():
            rules = dict.fromkeys((*features, OFFSET), _WEIGHT)
            check(path, f"kws.card.decoding.text_confidence.{name}.", curves[name], rules)
            _check_known(path, f"text_confidence.{name}.", curves[name], rules)


def _check_known(path: Path, prefix: str, found: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise BundleError(
            f"{path}: kws.card.decoding.{prefix}{unknown[0]} is unknown; update kws, or fit it again with "
            "python -m training.understanding.speech_tasks MODEL --fit"
        )


def _only_manifest(directory: Path) -> Path:
    found = [path for path in sorted(directory.glob("*.json")) if is_recognizer(path)]
    if len(found) != 1:
        raise BundleError(f"{directory}: holds {len(found)} recognizers; give the .json of the one to use")
    return found[0]

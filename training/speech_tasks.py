"""What a recognizer understands of the dev recordings, by grammar and freely.

python -m training.speech_tasks english [--most 200] [--sentences 150] [--fit] [--json]

Every clip goes through the recognizer as `kws run` has it, end-points included. The acoustic model runs once
a clip; what it says is kept under --cache, so that grammars and beams are compared in seconds. Every share,
rate and word error rate comes with its 95 % interval and the counts behind it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.transcripts import WordErrors, mistakes
from kws.events import Event, Transcript
from kws.frontends import WAVEFORM, new_front_end
from kws.grammar.compile import TokenGraph, compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confidence import Calibration, Features, fit, path_features
from kws.recognition.decoder import Decoder
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder, meaning
from kws.recognition.graph_beam import Path as GraphPath
from kws.recognition.priors import WEIGHT as PRIOR_WEIGHT
from kws.recognition.priors import Priors, decoding_of
from kws.recognition.recognizer import Recognizer
from kws.recognition.rival import Rival, rival_of
from kws.recognition.tokens import PHONES, LogProbs
from kws.sources.whole import read_samples
from kws.types import Rows
from training.data.manifest import Clip, read_manifest, recordings_manifest

GRAMMARS = Path(__file__).parents[1] / "examples" / "grammars"
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
DIGITS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FREE = ("libri", "ocean")
"""The sets of free sentences, hours beside the others' minutes."""

Heard = tuple[Clip, LogProbs]
Figure = Proportion | Rate | WordErrors | float
"""Counted, or measured by the clock."""
Figures = dict[str, Figure]

_ENOUGH_SPEAKERS = 10
"""From so many on, word errors are resampled by speaker; below, by clip."""


class Replay:
    """An acoustic stage that has heard the clip before; rows are numbers of steps, whatever they hold."""

    front_end = WAVEFORM

    def __init__(self, step_seconds: float) -> None:
        self.step_seconds = step_seconds
        self.log_probs: LogProbs = np.zeros((0, 0), np.float32)

    def push(self, rows: Rows) -> LogProbs:
        """Everything at once."""
        return self.log_probs

    def flush(self) -> LogProbs:
        """Nothing is left."""
        return self.log_probs[:0]

    def reset(self) -> None:
        """Nothing to forget."""


@dataclass
class Listener:
    """A decoder behind the end-points, fed with clips, and what its beam costs."""

    decoder: Decoder
    step_seconds: float
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    cpu: float = 0.0
    audio: float = 0.0

    def transcripts(self, log_probs: LogProbs) -> list[Transcript]:
        """All final transcripts of one clip."""
        acoustic = Replay(self.step_seconds)
        recognizer = Recognizer(acoustic, self.decoder, self.endpoint)
        acoustic.log_probs = log_probs
        began = time.process_time()
        events: list[Event] = recognizer.push(np.zeros((0, 40), np.int8)) + recognizer.flush()
        self.cpu += time.process_time() - began
        self.audio += len(log_probs) * self.step_seconds
        return [event for event in events if isinstance(event, Transcript)]


@click.command()
@click.argument("model")
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@click.option("--sentences", type=click.IntRange(1), help="Of the sets of free sentences, so many at most.")
@click.option(
    "--fit",
    "fits",
    is_flag=True,
    help="Fit priors and confidence, write them into the card, and show what thresholds would do.",
)
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path(".cache/recognizer"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def speech_tasks(
    model: str, most: int | None, sentences: int | None, fits: bool, cache: Path, as_json: bool
) -> None:
    """Measure commands, digits, coffee orders and free sentences on the dev recordings."""
    bundle = find_recognizer(model)
    sets = {
        name: drawn(clips, sentences or most if name in FREE else most)
        for name, clips in dev_sets(read_manifest(recordings_manifest())).items()
    }
    heard = {name: hear(bundle, clips, cache / f"heard-{name}.npz") for name, clips in sets.items()}
    if fits:
        write_decoding(bundle, fitted(bundle, heard, say=click.echo))
        click.echo(f"wrote {bundle.manifest_path}")
        return
    figures = measured(bundle, heard)
    if as_json:
        click.echo(json.dumps({name: _as_dict(figure) for name, figure in figures.items()}, indent=1))
    else:
        for name, figure in figures.items():
            click.echo(f"{name:32} {f'{figure:.4f}' if isinstance(figure, float) else figure}")


def _as_dict(figure: Figure) -> Any:
    if isinstance(figure, float):
        return figure
    return {**asdict(figure), "interval": figure.interval}


def dev_sets(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """The dev clips by what they are for."""
    sets: dict[str, list[Clip]] = {
        name: [] for name in ("commands", "others", "silence", "digit", "digits", "coffee", "libri", "ocean")
    }
    for clip in clips:
        name = _set_of(clip) if clip.split == "dev" else None
        if name:
            sets[name].append(clip)
    return sets


def _set_of(clip: Clip) -> str | None:
    if clip.corpus == "gsc-test-v0.02":
        word = "commands" if clip.label in COMMANDS else "others"
        return "silence" if clip.kind == "noise" else word
    if clip.corpus == "speechocean762":
        return "digits" if set(clip.label.lower().split()) <= set(DIGITS) else "ocean"
    return {"fsdd": "digit", "picovoice-coffee": "coffee", "libri-test-clean": "libri"}.get(clip.corpus)


def drawn(clips: Sequence[Clip], most: int | None) -> list[Clip]:
    """At most so many, evenly."""
    if most is None or len(clips) <= most:
        return list(clips)
    return [clips[index] for index in np.linspace(0, len(clips) - 1, most).round().astype(int)]


def hear(bundle: RecognizerBundle, clips: Sequence[Clip], cache: Path) -> list[Heard]:
    """The log-probabilities of phones for every clip, kept in a file for the next time."""
    key = hashlib.sha256(
        "\n".join([bundle.model_sha256, *(str(clip.path) for clip in clips)]).encode()
    ).hexdigest()[:12]
    kept = cache.with_name(f"{cache.stem}-{key}.npz")
    if kept.is_file():
        with np.load(kept) as arrays:
            return [(clip, arrays[str(number)]) for number, clip in enumerate(clips)]
    acoustic = AcousticModel(bundle, "phones")
    heard = [(clip, log_probs_of(acoustic, clip.path)) for clip in clips]
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, **{str(number): log_probs for number, (_, log_probs) in enumerate(heard)})
    return heard


def log_probs_of(acoustic: AcousticModel, path: Path) -> LogProbs:
    """Of one recording, from a fresh start."""
    acoustic.reset()
    rows = new_front_end(acoustic.front_end).push(read_samples(path))
    return np.concatenate([acoustic.push(rows), acoustic.flush()])


def measured(bundle: RecognizerBundle, heard: dict[str, list[Heard]]) -> Figures:
    """All figures; costs are CPU seconds a second of audio."""
    step = AcousticModel(bundle, "phones").step_seconds
    figures: Figures = {}
    for name, measure in _BY_GRAMMAR.items():
        listener = grammar_listener(name, step, bundle)
        figures |= measure(listener, heard)
        free = [*heard["libri"], *heard["ocean"]]
        figures[f"{name} false accepts an hour"] = _accepted_per_hour(listener, free)
        figures[f"{name} beam, CPU s a second"] = listener.cpu / max(listener.audio, 1e-9)
    figures |= _free(bundle, heard, step)
    return figures


def grammar_listener(name: str, step_seconds: float, bundle: RecognizerBundle) -> Listener:
    """For a grammar among the examples, with its own threshold where it has one."""
    known = decoding_of(bundle.card, PHONES)
    rival = rival_of(bundle, PHONES) if known.calibration.rival else None
    calibration = known.calibration.with_threshold(read_grammar(path_of(name)).threshold)
    decoder = GrammarDecoder(
        graph_of(name), step_seconds, calibration=calibration, priors=known.priors, rival=rival
    )
    return Listener(decoder, step_seconds)


def graph_of(name: str) -> TokenGraph:
    """A grammar among the examples, compiled for phones."""
    return compile_grammar(read_grammar(path_of(name)), PHONES)


def path_of(name: str) -> Path:
    """Of a grammar among the examples."""
    (path,) = GRAMMARS.glob(f"{name}.*")
    return path


def _commands(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    return {
        "commands right": _share(_text(listener, sound) == clip.label for clip, sound in heard["commands"]),
        "commands, other words accepted": _share(_text(listener, sound) for _, sound in heard["others"]),
        "commands, silences accepted": _share(_text(listener, sound) for _, sound in heard["silence"]),
    }


def _digits(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    return {
        f"{title}, word error rate": _word_errors(listener, heard[name])
        for name, title in (("digit", "single digits"), ("digits", "digit strings"))
        if heard[name]
    }


def _coffee(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    right, accepted = [], []
    for clip, sound in heard["coffee"]:
        said = [transcript for transcript in listener.transcripts(sound) if transcript.in_grammar]
        slots = dict(said[-1].slots) if said else {}
        right.append(slots == _slots(clip))
        accepted.append(bool(said))
    return {"coffee, all slots right": _share(right), "coffee accepted": _share(accepted)}


_BY_GRAMMAR: dict[str, Callable[[Listener, dict[str, list[Heard]]], Figures]] = {
    "commands": _commands,
    "digits": _digits,
    "coffee": _coffee,
}


def _free(bundle: RecognizerBundle, heard: dict[str, list[Heard]], step: float) -> Figures:
    listener = Listener(free_decoder(bundle, PHONES, step), step)
    figures: Figures = {
        f"{name}, word error rate": _word_errors(listener, heard[name])
        for name in ("libri", "ocean")
        if heard[name]
    }
    figures["free beam, CPU s a second"] = listener.cpu / max(listener.audio, 1e-9)
    return figures


def _word_errors(listener: Listener, clips: Sequence[Heard]) -> WordErrors:
    """By speaker, or by clip where the speakers are few."""
    by_speaker = len({clip.speaker for clip, _ in clips}) >= _ENOUGH_SPEAKERS
    groups: dict[str, list[Heard]] = {}
    for clip, sound in clips:
        groups.setdefault(clip.speaker if by_speaker else str(clip.path), []).append((clip, sound))
    found = [
        mistakes(
            [" ".join(clip.label.lower().split()) for clip, _ in group],
            [_text(listener, sound) for _, sound in group],
        )
        for group in groups.values()
    ]
    return WordErrors(
        "speakers" if by_speaker else "clips",
        tuple(one.errors for one in found),
        tuple(one.words for one in found),
    )


def _text(listener: Listener, log_probs: LogProbs) -> str:
    return " ".join(filter(None, (transcript.text for transcript in listener.transcripts(log_probs))))


def _accepted_per_hour(listener: Listener, clips: Sequence[Heard]) -> Rate:
    accepted = sum(bool(t.in_grammar) for _, sound in clips for t in listener.transcripts(sound))
    return Rate(accepted, sum(clip.seconds for clip, _ in clips) / 3600)


def fitted(
    bundle: RecognizerBundle, heard: dict[str, list[Heard]], say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """What goes into the card as `decoding`: priors of the phones, confidence of paths, its threshold."""
    step = AcousticModel(bundle, "phones").step_seconds
    steps = np.concatenate([sound for name in ("libri", "ocean") for _, sound in heard[name]])
    log_priors = np.log(np.exp(steps).mean(axis=0))
    priors, rival = Priors.of(log_priors), rival_of(bundle, PHONES)
    paths = {
        name: [found for one in sets for found in _paths(name, heard[one], step, priors, rival)]
        for name, sets in _FITTED_ON.items()
    }
    every = [path for found in paths.values() for path in found]
    calibration = fit([path.features for path in every], [path.right for path in every])
    threshold = _threshold(calibration, paths["commands"])
    for name, found in paths.items():
        for line in trade_off(calibration, found):
            say(f"{name} {line}")
    return {
        "log_priors": {"phones": [round(float(value), 3) for value in log_priors]},
        "prior_weight": PRIOR_WEIGHT,
        "confidence": {**asdict(calibration), "threshold": round(threshold, 4)},
    }


_FITTED_ON = {
    "commands": ("commands", "others", "silence"),
    "digits": ("digit", "digits", "ocean"),
    "coffee": ("coffee", "libri", "ocean"),
}


@dataclass(frozen=True)
class _Judged:
    """A grammar's best path through one clip."""

    features: Features
    right: bool
    clip: Clip


def _paths(
    name: str, clips: Sequence[Heard], step_seconds: float, priors: Priors, rival: Rival | None
) -> Iterator[_Judged]:
    decoder = GrammarDecoder(graph_of(name), step_seconds, priors=priors, rival=rival)
    for clip, sound in clips:
        decoder.reset()
        decoder.push(sound)
        for path, margin in decoder.paths()[:1]:
            features = path_features(path.score, path.words, margin)
            if features:
                yield _Judged(features, _is_right(path, clip), clip)


def _is_right(path: GraphPath, clip: Clip) -> bool:
    """By its slots where the label has slots, else by its text."""
    if clip.kind != "speech-slots":
        return path.text == " ".join(clip.label.lower().split())
    return meaning(path)[1] == _slots(clip)


def _slots(clip: Clip) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, value in json.loads(clip.label).items()}


def _threshold(calibration: Calibration, commands: Sequence[_Judged]) -> float:
    """The lowest that at most 8 % of the other words and 1.5 % of the silences reach."""
    found = [0.02]
    for kind, share in (("word", 0.92), ("noise", 0.985)):
        others = [
            calibration.of_features(path.features)
            for path in commands
            if path.clip.kind == kind and path.clip.label not in COMMANDS
        ]
        if others:
            found.append(float(np.quantile(others, share)))
    return max(found)


def trade_off(calibration: Calibration, judged: Sequence[_Judged]) -> Iterator[str]:
    """What each of some thresholds lets through."""
    for threshold in (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8):
        passes = [calibration.of_features(path.features) >= threshold for path in judged]
        right = _share(p for p, path in zip(passes, judged, strict=True) if path.right)
        wrong = _share(p for p, path in zip(passes, judged, strict=True) if not path.right)
        yield f"at {threshold:.2f}: of what is right {right}, of all else {wrong}"


def write_decoding(bundle: RecognizerBundle, decoding: dict[str, Any]) -> None:
    """Put it into the card of the bundle on disk."""
    manifest = json.loads(bundle.manifest_path.read_text(encoding="utf-8"))
    manifest["kws"].setdefault("card", {})["decoding"] = decoding
    bundle.manifest_path.write_text(
        json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _share(which: Iterable[Any]) -> Proportion:
    values = [bool(value) for value in which]
    return Proportion(sum(values), len(values))


if __name__ == "__main__":
    speech_tasks()

"""Digits and coffee orders: kws' recognizer and PocketSphinx with the same grammars on the same clips."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.table import markdown
from kws.evaluation.intervals import Proportion
from kws.evaluation.transcripts import WordErrors, mistakes
from kws.grammar.pronunciation import pronunciations
from kws.grammar.reading import read_grammar
from kws.grammar.word_graph import Marks, Skip, WordArc, WordGraph, word_graph
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.recognition.grammar_decoder import meaning
from kws.recognition.graph_beam import Path as GraphPath
from kws.recognition.priors import decoding_of
from kws.recognition.tokens import PHONES
from kws.sources.whole import read_samples
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.speech_tasks import GRAMMARS, dev_sets, drawn, grammar_listener, hear

RECOGNIZER = "english"
SETS = {"digit": ("digits", 200), "digits": ("digits", 100), "coffee": ("coffee", 80)}
"""Set of clips -> its grammar, and clips drawn at most."""
TITLES = {
    "digit": "single digits (fsdd)",
    "digits": "digit strings (speechocean762)",
    "coffee": "coffee orders",
}

Texts = list[str]


def measure() -> dict[str, Any]:
    """By set: seconds of audio, references, and what each of the two wrote down."""
    clips = dev_sets(read_manifest(recordings_manifest()))
    return {
        name: _measured(name, drawn(clips[name], most), grammar)
        for name, (grammar, most) in SETS.items()
        if clips[name]
    }


def _measured(name: str, clips: Sequence[Clip], grammar: str) -> dict[str, Any]:
    graph = word_graph(read_grammar(_file(grammar)))
    ours, our_cpu = _timed(partial(_by_kws, name, clips, grammar))
    theirs, their_cpu = _timed(partial(_by_pocketsphinx, clips, graph))
    return {
        "clips": len(clips),
        "seconds": sum(clip.seconds for clip in clips),
        "cpu": {"kws": our_cpu, "pocketsphinx": their_cpu},
        "errors": {
            who: _errors(name, clips, texts, graph)
            for who, texts in (("kws", ours), ("pocketsphinx", theirs))
        },
    }


def _timed(work: Callable[[], Texts]) -> tuple[Texts, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _file(grammar: str) -> Path:
    (path,) = GRAMMARS.glob(f"{grammar}.*")
    return path


def _by_kws(name: str, clips: Sequence[Clip], grammar: str) -> Texts:
    bundle = find_recognizer(RECOGNIZER)
    with tempfile.TemporaryDirectory() as folder:  # nothing kept, so that all of it is timed
        heard = hear(bundle, clips, Path(folder, f"{name}.npz"))
    step = AcousticModel(bundle, "phones").step_seconds
    listener = grammar_listener(grammar, step, decoding_of(bundle.card, PHONES))
    return [" ".join(said.text for said in listener.transcripts(sound) if said.text) for _, sound in heard]


def _by_pocketsphinx(clips: Sequence[Clip], graph: WordGraph) -> Texts:
    """The graph as PocketSphinx's finite-state grammar; each clip is one utterance."""
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL")
    for word in {arc.word for arc in graph.words}:
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, " ".join(pronunciations(word)[0]), True)
    with tempfile.NamedTemporaryFile("w", suffix=".fsg") as file:
        file.write(fsg(graph))
        file.flush()
        decoder.add_fsg("grammar", decoder.read_fsg(file.name))
    decoder.activate_search("grammar")
    return [_decoded(decoder, clip) for clip in clips]


def _decoded(decoder: Any, clip: Clip) -> str:
    decoder.start_utt()
    decoder.process_raw(read_samples(clip.path).tobytes(), False, True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def fsg(graph: WordGraph) -> str:
    """The graph in the format that PocketSphinx reads; skips are transitions without a word."""
    arcs = [
        f"TRANSITION {arc.source} {arc.target} {math.exp(arc.weight):.6g} {arc.word}" for arc in graph.words
    ]
    skips = [f"TRANSITION {skip.source} {skip.target} {math.exp(skip.weight):.6g}" for skip in graph.skips]
    head = ["FSG_BEGIN grammar", f"NUM_STATES {graph.states}", f"START_STATE {graph.start}"]
    return "\n".join([*head, f"FINAL_STATE {graph.end}", *arcs, *skips, "FSG_END", ""])


def slots_of(text: str, graph: WordGraph) -> dict[str, str]:
    """What a sentence of the grammar means; empty for any other text."""
    path = next(_paths(text.split(), graph), None)
    return {} if path is None else dict(meaning(path)[1])


def _paths(words: Sequence[str], graph: WordGraph) -> Iterator[GraphPath]:
    """Ways through the graph that say exactly these words, depth first."""
    leaving: dict[int, list[WordArc | Skip]] = {}
    for arc in (*graph.words, *graph.skips):
        leaving.setdefault(arc.source, []).append(arc)
    dead: set[tuple[int, int]] = set()

    def onward(
        state: int, place: int, said: tuple[Any, ...], marks: Marks, passed: frozenset[int]
    ) -> Iterator[Any]:
        if (state, place) in dead or state in passed:
            return
        if state == graph.end and place == len(words):
            yield SimpleNamespace(words=said, marks=marks)
        for arc in leaving.get(state, ()):
            if isinstance(arc, Skip):
                yield from onward(arc.target, place, said, marks + arc.marks, passed | {state})
            elif place < len(words) and arc.word == words[place]:
                word = SimpleNamespace(
                    text=arc.word, is_filler=False, marks_before=marks, marks_after=arc.marks
                )
                yield from onward(arc.target, place + 1, (*said, word), (), frozenset())
        if not passed:
            dead.add((state, place))

    yield from onward(graph.start, 0, (), (), frozenset())


def _errors(name: str, clips: Sequence[Clip], texts: Texts, graph: WordGraph) -> list[list[int]]:
    """Of digits, wrong words and words of each clip; of orders, 0 or 1 where all slots are right, of 1."""
    if name == "coffee":
        pairs = zip(clips, texts, strict=True)
        return [[int(slots_of(text, graph) != json.loads(clip.label)), 1] for clip, text in pairs]
    found = [
        mistakes([" ".join(clip.label.lower().split())], [text])
        for clip, text in zip(clips, texts, strict=True)
    ]
    return [[one.errors, one.words] for one in found]


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    rows = [
        (
            f"{TITLES[name]}, {measured['clips']} clips",
            "orders wrong" if name == "coffee" else "word error rate",
            *(_figure(name, measured["errors"][who]) for who in ("kws", "pocketsphinx")),
            *(f"{measured['cpu'][who] / measured['seconds']:.4f}" for who in ("kws", "pocketsphinx")),
        )
        for name, measured in found.items()
    ]
    columns = ("", "", "kws", "PocketSphinx", "kws, CPU s per audio s", "PocketSphinx")
    return _SECTION.format(table=markdown(columns, rows))


def _figure(name: str, errors: Sequence[Sequence[int]]) -> str:
    wrong, total = (tuple(column) for column in zip(*errors, strict=True))
    return str(Proportion(sum(wrong), sum(total)) if name == "coffee" else WordErrors("clips", wrong, total))


_SECTION = """\
Clips of the `dev` recordings, each an utterance of its own, by the grammars in `examples/grammars`: as kws
compiles them, and the same graph of words as PocketSphinx's finite-state grammar with its own dictionary
and acoustic model. An order is right when every slot is. kws may leave an utterance out as not in its
grammar, PocketSphinx always answers. The bundled recognizer was not trained on these recordings; its
priors and its threshold were fitted on them.

{table}

Intervals are at 95 %: exact for orders, by resampling clips for word error rates.
"""

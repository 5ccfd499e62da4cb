"""Digits, orders and commands: kws' recognizer and PocketSphinx with the same grammars on the same clips."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from benchmarks.automaton import Automaton, smallest
from benchmarks.in_turns import Decode, by_pocketsphinx, cpu_text, in_turns
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
from kws.recognition.letters import beside
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.understanding.dev_speech import dev_sets, drawn, log_probs_of, path_of
from training.understanding.listener import grammar_listener

RECOGNIZER = "english"
SETS = {
    "one digit": ("digit", "digit", 200),
    "digit": ("digit", "digits", 200),
    "digits": ("digits", "digits", 100),
    "coffee": ("coffee", "coffee", 50),
    "commands": ("commands", "commands", 200),
    "others": ("others", "commands", 100),
    "silence": ("silence", "commands", 100),
}
"""What is compared -> set of clips, grammar, and clips drawn at most."""
TITLES = {
    "one digit": "single digits (fsdd)",
    "digit": "the same, by the grammar of digit strings",
    "digits": "digit strings (speechocean762)",
    "coffee": "coffee orders",
    "commands": "ten words of Speech Commands",
    "others": "other words, by their grammar",
    "silence": "noise without words, by their grammar",
}
COUNTED = {
    "coffee": "orders wrong",
    "commands": "wrong",
    "others": "taken for one",
    "silence": "taken for one",
}
"""What share counts; of the others the word error rate."""


def measure() -> dict[str, Any]:
    """By set and clip: seconds of audio, and what each of the two got wrong and took for it."""
    clips = dev_sets(read_manifest(recordings_manifest()))
    return {
        name: _measured(name, drawn(clips[heard], most), grammar)
        for name, (heard, grammar, most) in SETS.items()
        if clips[heard]
    }


def _measured(name: str, clips: Sequence[Clip], grammar: str) -> dict[str, Any]:
    """Both hear every clip in turn; loading is not timed."""
    graph = word_graph(read_grammar(path_of(grammar)))
    decoders = {"kws": _kws(grammar), "pocketsphinx": _pocketsphinx(graph)}
    texts, cpu = in_turns(clips, decoders)
    return {
        "clips": len(clips),
        "seconds": [clip.seconds for clip in clips],
        "cpu": cpu,
        "errors": {who: _errors(name, clips, written, graph) for who, written in texts.items()},
    }


def _kws(grammar: str) -> Decode:
    bundle = find_recognizer(RECOGNIZER)
    acoustic = AcousticModel(bundle, "phones", beside=beside(bundle, "phones"))
    listener = grammar_listener(grammar, acoustic.step_seconds, bundle)

    def decode(clip: Clip) -> str:
        said = listener.transcripts(log_probs_of(acoustic, clip.path))
        return " ".join(one.text for one in said if one.text)

    return decode


def _pocketsphinx(graph: WordGraph) -> Decode:
    """The graph's sentences as PocketSphinx's finite-state grammar; each clip is one utterance."""
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL")
    for word in {arc.word for arc in graph.words}:
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, " ".join(pronunciations(word)[0]), True)
    with tempfile.NamedTemporaryFile("w", suffix=".fsg") as file:
        file.write(fsg(smallest(graph)))
        file.flush()
        decoder.add_fsg("grammar", decoder.read_fsg(file.name))
    decoder.activate_search("grammar")
    return by_pocketsphinx(decoder)


def fsg(automaton: Automaton) -> str:
    """In the format that PocketSphinx reads, with one more state, since there one alone is final.

    All that may follow a state is equally likely, as its own reader of JSGF has it; were all of it certain,
    nothing would hold it back from hearing one word more.
    """
    end = len(automaton.rows)
    arcs: list[str] = []
    for state, row in enumerate(automaton.rows):
        following = [*((target, word) for word, target in row.items())]
        following += [(end, "")] * automaton.final[state]
        arcs += [
            f"TRANSITION {state} {target} {1 / len(following):.6g} {word}".strip()
            for target, word in following
        ]
    head = ["FSG_BEGIN grammar", f"NUM_STATES {end + 1}", f"START_STATE {automaton.start}"]
    return "\n".join([*head, f"FINAL_STATE {end}", *arcs, "FSG_END", ""])


def slots_of(text: str, graph: WordGraph) -> dict[str, str]:
    """What a sentence of the grammar means; empty for any other text."""
    path = next(_paths(text.split(), graph), None)
    return {} if path is None else dict(meaning(path)[1])


def wanted_slots(clip: Clip) -> dict[str, str]:
    """What the label of an order says."""
    return {name: " ".join(value.split()) for name, value in json.loads(clip.label).items()}


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


def _errors(name: str, clips: Sequence[Clip], texts: Sequence[str], graph: WordGraph) -> list[list[int]]:
    """Of digits, wrong words and words of each clip; of all else 0 or 1, of 1."""
    pairs = list(zip(clips, texts, strict=True))
    if name == "coffee":  # right where all slots are
        return [[int(slots_of(text, graph) != wanted_slots(clip)), 1] for clip, text in pairs]
    if name == "commands":
        return [[int(text != clip.label), 1] for clip, text in pairs]
    if name in COUNTED:
        return [[int(bool(text)), 1] for _, text in pairs]
    found = [mistakes([" ".join(clip.label.lower().split())], [text]) for clip, text in pairs]
    return [[one.errors, one.words] for one in found]


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    rows = [
        (
            f"{TITLES[name]}, {measured['clips']} clips",
            COUNTED.get(name, "word error rate"),
            *(_figure(name, measured["errors"][who]) for who in ("kws", "pocketsphinx")),
            *(cpu_text(measured["cpu"][who], measured["seconds"]) for who in ("kws", "pocketsphinx")),
        )
        for name, measured in found.items()
    ]
    columns = ("", "", "kws", "PocketSphinx", "kws, CPU s per audio s", "PocketSphinx")
    return _SECTION.format(table=markdown(columns, rows))


def _figure(name: str, errors: Sequence[Sequence[int]]) -> str:
    wrong, total = (tuple(column) for column in zip(*errors, strict=True))
    return str(Proportion(sum(wrong), sum(total)) if name in COUNTED else WordErrors("clips", wrong, total))


_SECTION = """\
Clips of the `dev` recordings, some taken evenly where there are many, each an utterance of its own, by the
grammars in `examples/grammars`: as kws compiles them, and for PocketSphinx, with its own dictionary and
acoustic model and all else by default, the smallest automaton that takes the same sentences, all words
equally likely at each place; for kws "oh" is a tenth as likely as another digit. The grammar of digit
strings takes one digit or many. An order is right when every slot is. kws leaves an utterance out whose
score is below the grammar's threshold, PocketSphinx one that none of the sentences comes to the end of. The
bundled recognizer was not trained on these recordings; its priors, its confidence, the thresholds and that
tenth were chosen on them.

{table}

Intervals are at 95 %: exact for shares, by resampling clips for word error rates and CPU time. That is of
both in one process, taking turns clip by clip, without loading.
"""

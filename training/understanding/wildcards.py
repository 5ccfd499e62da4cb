"""Wildcards of a grammar: are commands with words of any kind in them understood, and what fills their slots?

python -m training.understanding.wildcards english [--count 240] [--seed 2] [--cost 2]... [--sentences 400]

Synthetic voices say commands of examples/grammars/shopping.yaml. Printed for each cost of a wildcard's token:
how many commands are accepted with the right intent, in how many of these the slot holds what was said, its
word errors, how sure the recognizer was of right and of wrong ones, and how much ordinary speech of the dev
recordings passes for a command. The last line is free text without a grammar, on the same commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.transcripts import WordErrors, grouped_errors
from kws.events import Transcript
from kws.frontends import new_front_end
from kws.grammar.compile import compile_grammar
from kws.grammar.open_words import OPEN_COST
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.letters import beside, letters_of
from kws.recognition.open_words import open_words_of
from kws.recognition.priors import decoding_of
from kws.recognition.rival import rival_of
from kws.recognition.tokens import PHONES, LogProbs
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.synth import Voice, available_voices
from training.understanding.breaths import ALONE_SECONDS, TAIL_SECONDS, quiet, spoken_by
from training.understanding.dev_speech import FREE, dev_sets, drawn, hear, path_of
from training.understanding.listener import Listener

GRAMMAR = "shopping"
BACKENDS = ("espeak", "flite")

ITEMS = (
    "oat milk", "brown bread", "apples", "two bottles of wine", "toilet paper", "a dozen eggs",
    "cheddar cheese", "washing powder", "fresh basil", "butter", "orange juice", "cat food", "spaghetti",
    "tomatoes", "rice", "dark chocolate", "olive oil", "strawberry jam", "batteries", "three onions",
    "garlic", "yoghurt", "coffee beans", "green tea", "salmon", "chicken wings", "light bulbs",
    "birthday candles", "honey", "carrots",
)  # fmt: skip
TASKS = (
    "call the dentist", "take out the rubbish", "feed the cat", "water the plants", "pay the rent",
    "pick up the children", "buy a birthday present", "send the letter", "charge the car", "book a table",
    "return the library books", "clean the windows", "write to my sister", "renew my passport",
    "lock the door",
)  # fmt: skip
LABELS = ("pasta", "pizza", "tea", "laundry", "homework", "cake", "eggs", "workout", "meeting", "potatoes")
MINUTES = {"five": "5", "ten": "10", "twenty": "20", "forty five": "45"}


@dataclass(frozen=True, eq=False)
class Command:
    """One that was said."""

    text: str
    intent: str
    slots: dict[str, str]
    voice: str
    heard: LogProbs


@dataclass(frozen=True)
class Understood:
    """What became of all commands."""

    accepted: Proportion
    """With the right intent."""
    right: Proportion
    """Of these, with the right words in the slot."""
    errors: WordErrors
    """Of the slots of all commands, by voice; a command that was not accepted has none of its words."""
    sure: tuple[float, float]
    """Mean confidence of the words in right slots, and in wrong ones."""
    cpu: float
    """Seconds of the decoding for a second of audio."""


def commands(model: AcousticModel, voices: Sequence[Voice], count: int, seed: int) -> Iterator[Command]:
    """So many, as the network hears them; a voice that says nothing is passed over."""
    rng, made = np.random.default_rng(seed), 0
    groups = [[voice for voice in voices if voice.backend == name] for name in BACKENDS]
    groups = [group for group in groups if group]
    while made < count:
        group = groups[rng.integers(len(groups))]
        voice, (text, intent, slots) = group[rng.integers(len(group))], command_text(rng)
        speech = spoken_by(voice, text, float(rng.uniform(0.85, 1.15)), float(rng.uniform(0.85, 1.2)))
        if len(speech):
            made += 1
            samples = np.concatenate([quiet(ALONE_SECONDS, rng), speech, quiet(TAIL_SECONDS, rng)])
            model.reset()
            rows = new_front_end(model.front_end).push(samples)
            heard = np.concatenate([model.push(rows), model.flush()])
            yield Command(text, intent, slots, voice.name, heard)


def command_text(rng: np.random.Generator) -> tuple[str, str, dict[str, str]]:
    """A sentence of the grammar, its intent, and what its slots then hold."""

    def one(options: Sequence[str]) -> str:
        return options[rng.integers(len(options))]

    item, task, label, minutes = one(ITEMS), one(TASKS), one(LABELS), one(list(MINUTES))
    kind = rng.integers(4)
    if kind < 2:
        text = one(
            (
                f"add {item} to {one(('my', 'the'))} shopping list",
                f"put {item} on {one(('my', 'the'))} shopping list",
                f"we need {item} from the {one(('shop', 'market'))}",
            )
        )
        return text, "AddItem", {"item": item}
    if kind == 2:
        when = one(("", "today ", "tomorrow ", "tonight "))
        return f"remind me {when}to {task}", "Remind", {"task": task}
    text = f"{one(('set', 'start'))} a {minutes} minute timer {one(('for the', 'called'))} {label}"
    return text, "StartTimer", {"minutes": MINUTES[minutes], "label": label}


def listener(bundle: RecognizerBundle, step: float, cost: float) -> Listener:
    """For the grammar, as `kws run` listens for it, at that cost."""
    grammar, known = read_grammar(path_of(GRAMMAR)), decoding_of(bundle.card, PHONES)
    decoder = GrammarDecoder(
        compile_grammar(grammar, PHONES, open_cost=cost),
        step,
        calibration=known.calibration.with_threshold(grammar.threshold),
        priors=known.priors,
        rival=rival_of(bundle, PHONES) if known.calibration.rival else None,
        letters=letters_of(bundle),
        open_words=open_words_of(bundle, PHONES, step),
    )
    return Listener(decoder, step)


def understood(ears: Listener, said: Sequence[Command]) -> Understood:
    """What a listener makes of the commands."""
    pairs = [(command, _last(ears.transcripts(command.heard))) for command in said]
    good = [(command, heard) for command, heard in pairs if heard and heard.intent == command.intent]
    right = [dict(heard.slots) == command.slots for command, heard in good]
    return Understood(
        Proportion(len(good), len(said)),
        Proportion(sum(right), len(good)),
        _by_voice(said, [_open(heard.slots) if heard else "" for _, heard in pairs]),
        (_mean(good, right, of=True), _mean(good, right, of=False)),
        ears.cpu / max(ears.audio, 1e-9),
    )


def _last(found: Sequence[Transcript]) -> Transcript | None:
    accepted = [transcript for transcript in found if transcript.in_grammar]
    return accepted[-1] if accepted else None


def _open(slots: dict[str, str]) -> str:
    """What the wildcard holds."""
    return " ".join(text for name, text in slots.items() if name != "minutes")


def _by_voice(said: Sequence[Command], texts: Sequence[str]) -> WordErrors:
    voices, right = [command.voice for command in said], [_open(command.slots) for command in said]
    return grouped_errors("voices", voices, right, texts)


def _mean(good: Sequence[tuple[Command, Transcript]], right: Sequence[bool], *, of: bool) -> float:
    """Of the confidence of the words in slots that are right, or that are wrong."""
    sure = [
        float(np.mean([word.confidence for word in heard.words if word.word in _open(heard.slots).split()]))
        for (_, heard), is_right in zip(good, right, strict=True)
        if is_right == of and _open(heard.slots)
    ]
    return float(np.mean(sure)) if sure else float("nan")


def free_errors(bundle: RecognizerBundle, step: float, said: Sequence[Command]) -> WordErrors:
    """Of whole commands that are written as free text."""
    ears = Listener(free_decoder(bundle, PHONES, step), step)
    whole = [Command(c.text, c.intent, {"": c.text}, c.voice, c.heard) for c in said]
    return _by_voice(whole, [ears.text(command.heard) for command in whole])


def accepted_per_hour(ears: Listener, bundle: RecognizerBundle, most: int, cache: Path) -> Rate | None:
    """Sentences of the dev recordings taken for commands; None without recordings."""
    manifest = recordings_manifest()
    if not manifest.is_file():
        return None
    sets = dev_sets(read_manifest(manifest))
    clips = [clip for name in FREE for clip in drawn(sets[name], most // len(FREE))]
    heard = hear(bundle, clips, cache / "heard-wildcards.npz", beside(bundle, "phones"))
    accepted = sum(bool(t.in_grammar) for _, sound in heard for t in ears.transcripts(sound))
    return Rate(accepted, sum(clip.seconds for clip, _ in heard) / 3600)


def row(cost: float, found: Understood, passed: Rate | None) -> str:
    """Of the table."""
    cells = [f"{cost:g}", str(found.accepted), str(found.right), str(found.errors)]
    cells += [f"{found.sure[0]:.2f}, {found.sure[1]:.2f}", str(passed or ""), f"{found.cpu:.3f}"]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| nats a token | right intent | of these, slots right | words wrong in slots | sure of right, wrong "
    "| ordinary speech accepted an hour | CPU s a second |\n|---|---|---|---|---|---|---|"
)


@click.command()
@click.argument("model", default="english")
@click.option("--count", type=click.IntRange(1), default=240, show_default=True, help="Commands.")
@click.option("--seed", default=2, show_default=True, help="Of texts and voices.")
@click.option("--cost", "costs", type=float, multiple=True, default=(OPEN_COST,), help="Of a token, nats.")
@click.option(
    "--sentences", type=click.IntRange(0), default=400, show_default=True, help="Of ordinary speech."
)
@recognizer_cache_option
def main(model: str, count: int, seed: int, costs: Sequence[float], sentences: int, cache: Path) -> None:
    """Print the table."""
    bundle = find_recognizer(model)
    acoustic = AcousticModel(bundle, "phones", beside=beside(bundle, "phones"))
    said = list(commands(acoustic, available_voices(), count, seed))
    click.echo(HEAD)
    for cost in costs:
        ears = listener(bundle, acoustic.step_seconds, cost)
        found = understood(ears, said)
        passed = accepted_per_hour(ears, bundle, sentences, cache) if sentences else None
        click.echo(row(cost, found, passed))
    click.echo(f"\nfree text, all words of the commands: {free_errors(bundle, acoustic.step_seconds, said)}")


if __name__ == "__main__":
    main()

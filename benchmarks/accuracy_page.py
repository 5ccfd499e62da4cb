"""The chapter on who misses which words at which false alarms, and its drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.accuracy import LATE_SECONDS, PER_HOUR, Point
from benchmarks.peers import LISTENERS, OURSELVES
from benchmarks.streams import CLEAN, CONDITIONS, SPOKEN
from benchmarks.table import markdown
from kws.evaluation import Proportion, Rate
from kws.evaluation.plot import RATES, Cross, line_plot, shares

ASKED_SECONDS = 0.15
"""From a word's end to its event, of kws."""


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    return _SECTION.format(
        hours=found["hours"],
        late=LATE_SECONDS,
        rate=PER_HOUR,
        asked=ASKED_SECONDS,
        delays=", ".join(_delays(found["found"])),
        late_words="".join(_late_words(found["found"])),
        words="\n\n".join(_of_word(phrase, found["found"][phrase], found["same"]) for phrase in SPOKEN),
        unsaid=markdown(
            ("", "threshold", "false alarms an hour, by default"),
            _unsaid(found["found"]["hey jarvis"]),
        ),
        same="\n".join(_SAME.format(name=name, **same) for name, same in found["same"].items()),
    )


_SECTION = """\
The words of the `dev` recordings, none of which kws was trained on, with speech and noise between them;
then all that is spoken there without the word ({hours:.2f} h in all). Whether the others have learned from
some of these recordings, which are public, is not known. kws chose its default thresholds on these
recordings, and every threshold "at most {rate} an hour" is chosen on the very speech that it is measured
on, for all engines alike.

*kws* runs as it does by default: a head on the published encoder proposes, and the word's model for devices
decides with it, each with a threshold; its curve is drawn through pairs of thresholds, the default one, one
that asks less of both and those that stand in the head's manifest, each of them a run, as Porcupine's is
through its sensitivities: so many runs as the words' chapters tell. *kws, first stage alone* is `--confirm
none`, that model alone, as on a device. In the drawings a cross is at the point of "at most {rate} an hour"
and as long as its intervals.

All engines hear the same files. A word counts as heard from its start to {late} s past its end. Shares and
rates come with exact 95 % intervals and the counts behind them; where an engine has not heard all of the
speech, the hours tell, and in less than two of them "at most {rate}" is none at all.
`python -m benchmarks accuracy` goes on where it was; what an engine has heard elsewhere stays until more was
heard here, or its models, the streams or the code of kws that hears have changed.

Spacing is the time from one word to the next, filled with speech and noise in turn ("alone": with silence).
At 10 and 5 dB words and what is between them are at an even level over steady noise. "s after the word" is
the median from a word's end, as its label has it, to the end of the audio that was heard by then; below 0
where it is known sooner. Asked of kws are {asked} s; by default it takes {delays}.{late_words}

{words}

### hey jarvis

Nobody says it in these recordings, so only false alarms can be counted:

{unsaid}

{same}
"""

_SAME = """\
{name} runs the model files of {other}, byte by byte the same. On {words} words "alexa" the best scores of
the two are {farthest:.3f} apart at most, and at 0.5 they miss {missed[0]} and {missed[1]}; so the rest was
heard by one of them."""

_COLUMNS = (
    "",
    "threshold",
    "false alarms an hour",
    "s after the word",
    *(f"missed, {c}" for c in CONDITIONS),
)


def _of_word(phrase: str, engines: Mapping[str, Any], same: Mapping[str, Any]) -> str:
    rows = [
        (f"{name}, {how}", *_cells(measured[which]))
        for name, measured in engines.items()
        for which, how in (("default", "default"), ("chosen", f"at most {PER_HOUR} an hour"))
        if measured[which]
    ]
    shown = {name for name, measured in engines.items() if measured["default"] or measured["chosen"]}
    absent = [e.name for e in LISTENERS if phrase in e.words and e.name not in {*shown, *same}]
    runs = [f"{name} {measured['runs']}" for name, measured in engines.items() if measured.get("runs")]
    parts = [
        f"### {phrase}",
        f"![Misses of {phrase} against false alarms](benchmarks/det-{phrase}.svg)",
        markdown(_COLUMNS, rows),
        fewest(engines),
        *([f"Runs of which a curve is drawn: {', '.join(runs)}."] if runs else []),
        *([f"Know the word and have not heard enough yet: {', '.join(absent)}."] if absent else []),
    ]
    return "\n\n".join(parts)


def _delays(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Of kws by word, where it was heard."""
    for phrase in SPOKEN:
        point = found[phrase].get(OURSELVES.name, {}).get("default") or {}
        if point.get("latency") is not None:
            yield f"{point['latency']:.2f} s for {phrase}"


def _late_words(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What stands in the way of each word that takes longer than is asked: a sentence or two."""
    for phrase in SPOKEN:
        measured = found[phrase].get(OURSELVES.name, {})
        point = measured.get("default") or {}
        if (point.get("latency") or 0.0) > ASKED_SECONDS:
            sooner = [other for other in measured.get("others", ()) if _is_sooner(other, point)]
            yield _in_the_way(phrase, point, sooner)


def _in_the_way(phrase: str, point: Point, sooner: Sequence[Point]) -> str:
    if not sooner:
        return f"\nWhat stands in the way of {phrase} was not measured."
    best = max(sooner, key=lambda other: other["threshold"][1])
    missed = ", ".join(f"{Proportion(*best['misses'][c])} {c}" for c in CONDITIONS if c in best["misses"])
    is_judged = best["hours"] >= point["hours"] > 0
    rate = (
        str(Rate(best["false_alarms"], best["hours"]))
        if is_judged
        else "not counted, for want of speech heard"
    )
    return (
        f"\nIn the way of {phrase} stands that both models together must come to {point['threshold'][1]:g}.\n"
        f"At {best['threshold'][1]:g} it takes {best['latency']:.2f} s; missed are {missed};\n"
        f"false alarms an hour: {rate}."
    )


def _is_sooner(other: Point, default: Point) -> bool:
    """Whether a point differs from the default in nothing but that less is asked of both, and is in time."""
    (first, least), (same, more) = other["threshold"], default["threshold"]
    in_time = other["latency"] is not None and other["latency"] <= ASKED_SECONDS
    return first == same and least < more and in_time


def fewest(engines: Mapping[str, Any]) -> str:
    """Who misses fewest, of those that can keep to the rate."""
    missed = {
        name: Proportion(*measured["chosen"]["misses"][CLEAN])
        for name, measured in engines.items()
        if measured["chosen"] and CLEAN in measured["chosen"]["misses"]
    }
    ranked = sorted(missed, key=lambda name: missed[name].value)
    each = "; ".join(f"{name} {missed[name]}" for name in ranked)
    return f"Missed {CLEAN} at no more than {PER_HOUR} false alarms an hour, fewest first: {each}."


def _cells(point: Point) -> tuple[str, ...]:
    latency = "" if point["latency"] is None else f"{point['latency']:.2f}"
    missed = [Proportion(*point["misses"][c]) if c in point["misses"] else "not heard" for c in CONDITIONS]
    rate = str(Rate(point["false_alarms"], point["hours"])) if point["hours"] else "not heard"
    return (_setting_text(point), rate, latency, *map(str, missed))


def _setting_text(point: Point) -> str:
    numbers = point["threshold"] if isinstance(point["threshold"], list) else [point["threshold"]]
    return " and ".join(f"{number:.4g}" for number in numbers)


def _unsaid(engines: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, measured in engines.items():
        point = measured["default"]
        yield name, _setting_text(point), str(Rate(point["false_alarms"], point["hours"]))


def drawings(found: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SVG."""
    return {f"det-{phrase}.svg": _drawing(phrase, found["found"][phrase]) for phrase in SPOKEN}


def _drawing(phrase: str, engines: Mapping[str, Any]) -> str:
    curves = {name: _to_edges(measured["curve"]) for name, measured in engines.items() if measured["curve"]}
    crosses = {name: cross for name, measured in engines.items() if (cross := _cross(measured["chosen"]))}
    return line_plot(f"{phrase}, {CLEAN}", RATES, shares(0.5), curves, crosses)


def _cross(point: Point | None) -> Cross | None:
    """With its intervals; none without words or hours."""
    if not point or not point["hours"] or CLEAN not in point["misses"]:
        return None
    missed, rate = Proportion(*point["misses"][CLEAN]), Rate(point["false_alarms"], point["hours"])
    return Cross(rate.per_hour, missed.value, rate.interval, missed.interval)


def _to_edges(curve: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The curve as far as it lies between the ends of the axis of rates, and on to the right end."""
    *_, last = RATES.ticks
    return [*((rate, missed) for rate, missed in curve), (last, curve[-1][1])]

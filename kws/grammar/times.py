"""Times of day as they are said in English."""

from __future__ import annotations

from functools import lru_cache

from kws.grammar.numbers import spoken

_SHARES = {15: ("quarter", "a quarter"), 30: ("half",)}


@lru_cache(maxsize=2048)
def spoken_time(hour: int, minute: int) -> tuple[str, ...]:
    """Ways to say a time of 0:00 to 23:59, by twelve hours and by twenty-four, the usual one first.

    Half of the day may be added or not: 19:30 is "seven thirty", "seven thirty p.m." and "nineteen thirty".
    """
    half = "a.m." if hour < 12 else "p.m."
    by_twelve = _by_hour(_twelve(hour), minute)
    ways = (*by_twelve, *(f"{way} {half}" for way in by_twelve), *_past_or_to(hour, minute))
    return tuple(dict.fromkeys((*ways, *_by_hour(_words(hour), minute), *_named(hour, minute))))


def _by_hour(hour: str, minute: int) -> tuple[str, ...]:
    if minute == 0:
        return f"{hour} o'clock", hour
    if minute < 10:
        return f"{hour} oh {_words(minute)}", f"{hour} zero {_words(minute)}"
    return (f"{hour} {_words(minute)}",)


def _past_or_to(hour: int, minute: int) -> tuple[str, ...]:
    """ "half past seven", "ten to eight", for what is said so: fives."""
    if minute == 0 or minute % 5:
        return ()
    if minute <= 30:
        return tuple(f"{text} past {_twelve(hour)}" for text in _share(minute))
    return tuple(f"{text} to {_twelve(hour + 1)}" for text in _share(60 - minute))


def _share(minutes: int) -> tuple[str, ...]:
    return _SHARES.get(minutes) or (_words(minutes),)


def _named(hour: int, minute: int) -> tuple[str, ...]:
    return {(0, 0): ("midnight",), (12, 0): ("noon",)}.get((hour, minute), ())


def _twelve(hour: int) -> str:
    return _words(hour % 12 or 12)


def _words(number: int) -> str:
    return spoken(number)[0]

"""What the synthetic voices say: commands, digit strings, orders and plain words, drawn from templates.

A template is text with choices: "turn (on|off) [the] <room> lights" draws one alternative of each (...),
keeps or drops each [...], and puts one entry of the list for each <name>. Choices may stand within choices;
an entry of a list holds names at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from training.words.lexicon import dictionary, log_frequency

LISTS = {
    "room": "kitchen|bedroom|living room|bathroom|hallway|garage|office|garden|basement|attic|dining room",
    "thing": "lights|light|lamp|fan|heater|television|radio|music|air conditioning|blinds|curtains|oven"
    "|alarm",
    "colour": "red|green|blue|white|yellow|orange|purple|pink|warm white|dark blue",
    "digit": "zero|one|two|three|four|five|six|seven|eight|nine|oh",
    "small": "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen",
    "tens": "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety",
    "unit": "seconds|minutes|hours|minute|hour|days",
    "day": "monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|tonight",
    "month": "january|february|march|april|may|june|july|august|september|october|november|december",
    "item": "milk|bread|eggs|butter|coffee|apples|rice|cheese|soap|tomatoes|water|tea",
    "drink": "coffee|house coffee|espresso|cappuccino|iced mocha|iced coffee|mocha|latte|drip coffee"
    "|americano",
    "size": "small|medium|large|eight ounce|twelve ounce|sixteen ounce|twenty ounce",
    "roast": "light roast|medium roast|dark roast",
    "shots": "single shot|double shot|triple shot",
    "amount": "some|a bit of|a little bit of|a lot of|lots of",
    "milk": "milk|cream|soy milk|almond milk|whole milk|skim milk",
    "sugar": "sugar|brown sugar|sweetener",
    "command": "yes|no|up|down|left|right|on|off|stop|go|start|back|forward|next|cancel|okay|help|again",
    "word": "bed|bird|cat|dog|happy|house|tree|wow|follow|learn|visual|backward|forward|off|on|marvin|sheila",
}
"""Lists that templates draw from, alternatives separated by |."""

COMMANDS = (
    "(turn|switch) (on|off) [the] [<room>] <thing>",
    "(turn|switch) [the] [<room>] <thing> (on|off) [please]",
    "turn it (on|off|up|down)",
    "set [the] [<room>] (lights|lamp) to <colour>",
    "set [the] [<room>] (lights|volume|heating|brightness) to <tens> [percent]",
    "(dim|brighten) [the] <room> lights [to <tens> percent]",
    "set [the] temperature to (<tens>|<tens> <digit>) degrees",
    "make it (warmer|cooler|brighter|darker|louder|quieter) [in the <room>]",
    "(open|close) [the] [<room>] (door|window|blinds|curtains|garage)",
    "(lock|unlock) the (front|back) door",
    "set a timer for (<small>|<tens>|<tens> <digit>) <unit>",
    "wake me [up] at <small> (o'clock|thirty|fifteen|forty five) [in the morning]",
    "set an alarm for <small> [<tens>] [on <day>]",
    "(what's|what is) the (time|weather|temperature|date) [<day>|in the <room>]",
    "what time is it",
    "will it (rain|snow) [on] <day>",
    "(play|stop|pause) [the] (music|radio|news|next song|television)",
    "(next|previous) (song|track|channel) [please]",
    "(turn|put) the volume (up|down) [a bit|a little]",
    "add <item> [and <item>] to [the|my] shopping list",
    "remind me to (call|write to|meet) (mother|the doctor|my brother|him|her) [on] <day>",
    "(call|phone) (home|mother|the office|the doctor)",
    "is the <thing> [in the <room>] (on|off)",
    "how many <unit> are left",
    "what day is the <small> of <month>",
    "(stop|cancel|never mind|thank you|good morning|good night|go away|that's all|say it again)",
    "tell me (a joke|the news|a story|something)",
)

DIGITS = (
    "<digit> <digit>",
    "<digit> <digit> <digit>",
    "<digit> <digit> <digit> <digit>",
    "<digit> <digit> <digit> <digit> <digit>",
    "<digit> <digit> <digit> <digit> <digit> <digit> <digit>",
    "(number|code|dial|channel) <digit> [<digit>] [<digit>] [<digit>]",
    "<tens> <digit>",
    "<digit> hundred [and] <tens> [<digit>]",
    "<small> point <digit>",
)

WORDS = ("<command>", "<command> <command>", "<command> <command> <command>", "<word> <word> <command>")

ORDERS = (
    "<carrier> <dose> <drink> [with <extras>] [please]",
    "<carrier> <drink> [with <extras>]",
    "<dose> <drink> [with <extras>] [please]",
    "<carrier> <drink> <dose> [with <extras>]",
)
_ORDER_PARTS = {
    "carrier": "i'd like a|i'd like to have a|i'd like to order a|can i have a|could i get a|give me a"
    "|i want a|may i have a|i would like a|make me a|get me a|i'll have a|i'll take a|hey can i get a"
    "|please make me a|could you make me a",
    "dose": "<size>|<size> <shots>|<shots>|<size> <roast>|<roast>|<size> <shots> <roast>|<roast> <shots>|"
    "<shots> <size>|<size> <roast> <shots>",
    "extras": "<milky>|<sweet>|<milky> and <sweet>|<sweet> and <milky>|<milky> and with <sweet>",
    "milky": "<milk>|<amount> <milk>|<amount> <milk>",
    "sweet": "<sugar>|<amount> <sugar>|<amount> <sugar>",
}

FREQUENT_WORDS = 12_000
"""Plain word strings draw from the dictionary's most frequent words, this many."""

Draw = Callable[[np.random.Generator], str]


def command(rng: np.random.Generator) -> str:
    """Something to tell a house."""
    return filled(_one(COMMANDS, rng), rng)


def digits(rng: np.random.Generator) -> str:
    """Digits one by one, and numbers."""
    return filled(_one(DIGITS, rng), rng)


def short_words(rng: np.random.Generator) -> str:
    """One to three command words."""
    return filled(_one(WORDS, rng), rng)


def order(rng: np.random.Generator) -> str:
    """A coffee order in any order of its parts."""
    return filled(_one(ORDERS, rng), rng)


def plain_words(rng: np.random.Generator) -> str:
    """Two to six words that have nothing to do with each other, the frequent ones more often."""
    words = frequent_words()
    # Rank drawn evenly on the scale of rank ** 0.5: all words come, the first ones several times as often.
    ranks = (rng.random(rng.integers(2, 7)) ** 2 * len(words)).astype(int)
    return " ".join(words[rank] for rank in ranks)


def excerpt(text: str, rng: np.random.Generator) -> str:
    """Three to nine successive words of a sentence."""
    words = text.split()
    length = int(rng.integers(3, 10))
    first = int(rng.integers(max(1, len(words) - length + 1)))
    return " ".join(words[first : first + length])


@lru_cache(maxsize=1)
def frequent_words() -> tuple[str, ...]:
    """Words of the pronouncing dictionary by falling frequency, letters only."""
    known = [word for word in dictionary() if word.isalpha() and len(word) > 1]
    return tuple(sorted(known, key=log_frequency, reverse=True)[:FREQUENT_WORDS])


def filled(template: str, rng: np.random.Generator) -> str:
    """One reading of a template."""
    lists = {**LISTS, **_ORDER_PARTS}
    innermost = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]|<(\w+)>")
    text = template
    while found := innermost.search(text):
        choice, optional, name = found.groups()
        drawn = _drawn(lists[name] if name else choice or optional, rng)
        kept = "" if optional is not None and rng.random() < 0.5 else drawn
        text = text[: found.start()] + kept + text[found.end() :]
    return re.sub(r"\ba (?=[aeiou])", "an ", " ".join(text.split()))


def _drawn(alternatives: str, rng: np.random.Generator) -> str:
    return _one(tuple(alternatives.split("|")), rng)


def _one(items: tuple[str, ...], rng: np.random.Generator) -> str:
    return items[rng.integers(len(items))]

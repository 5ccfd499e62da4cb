"""Make kws/models/english.arpa.gz: a small bigram model, cut from the trigram in the pocketsphinx package.

python scripts/make_language_model.py OUT.arpa.gz [--words 15000] [--pairs 150000]

The package's model (BSD licence, as its dictionary) knows 72,547 words and 2 million pairs. Kept are the
most frequent words that the dictionary can pronounce, and the pairs whose loss would change the model
most: the summand of the relative entropy, p(h) p(w|h) [ln p(w|h) - ln p'(w|h)], where p' is what the
model says without the pair (Stolcke 1998). Backoff weights are computed anew, so that every context's
probabilities still sum to 1.
"""

from __future__ import annotations

import argparse
import gzip
import math
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from kws.grammar.pronunciation import dictionary, speech_model
from kws.recognition.ngram import BEGIN, END
from kws.recognition.packaged_trigram import PackagedTrigram

LN10 = math.log(10)

WRITE = """
import sys
from pocketsphinx import NGramModel
NGramModel.readfile(sys.argv[1]).write(sys.argv[2])
"""


def main() -> None:
    """Read, cut, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--words", type=int, default=15_000)
    parser.add_argument("--pairs", type=int, default=150_000)
    options = parser.parse_args()
    source = str(speech_model() / "en-us.lm.bin")
    model = PackagedTrigram()
    with tempfile.TemporaryDirectory() as directory:
        text = Path(directory) / "whole.arpa"
        # pocketsphinx 5.1.1 crashes after it has written the pairs, so it writes in a process of its own; and
        # its numbers are on another scale, so only the words are taken from the file.
        subprocess.run([sys.executable, "-c", WRITE, source, str(text)], check=False, capture_output=True)
        single, pairs = cut(text, model, options.words, options.pairs)
    write(options.out, single, pairs)


def cut(
    text: Path, model: PackagedTrigram, words: int, pairs: int
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """ln p of the kept words, and of the kept pairs by their first word."""
    every = {word: model.asked((word,)) for (word,) in entries(text, 1)}
    said = [word for word in every if word in dictionary() or word in (BEGIN, END)]
    kept = {word: every[word] for word in sorted(said, key=lambda word: -every[word])[:words]}
    kept |= {BEGIN: every[BEGIN], END: every[END]}
    scale = math.log(sum(math.exp(value) for word, value in kept.items() if word != BEGIN))
    single = {word: value - scale for word, value in kept.items()}
    losses = []
    for first, second in entries(text, 2):
        if first in single and second in single and second != BEGIN:
            p = model.asked((first, second))
            backed_off = single[second] + ln_backoff(model, first, every)
            weight = 0.0 if first == BEGIN else single[first]
            loss = math.exp(weight + p) * (p - backed_off)
            if loss > 0:
                losses.append((loss, first, second, p))
    best = sorted(losses, reverse=True)[:pairs]
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for _, first, second, p in best:
        table[first][second] = p
    return single, table


_BACKOFF: dict[str, float] = {}


def ln_backoff(model: PackagedTrigram, first: str, every: dict[str, float]) -> float:
    """What the whole model charges for a pair it lacks, found at a word that hardly anything precedes."""
    if first not in _BACKOFF:
        rare = "aaronson's"
        _BACKOFF[first] = model.asked((first, rare)) - every[rare]
    return _BACKOFF[first]


def entries(text: Path, order: int) -> Iterator[list[str]]:
    """The words of every n-gram of this order."""
    with text.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(f"\\{order}-grams:"):
                break
        for line in lines:
            parts = line.split()
            if not parts or parts[0].startswith("\\"):
                return
            if len(parts) > order:
                yield parts[1 : order + 1]


def write(out: Path, single: dict[str, float], pairs: dict[str, dict[str, float]]) -> None:
    """The ARPA file, in logarithms to the base 10, compressed without a time stamp."""
    lines = [
        "\\data\\",
        f"ngram 1={len(single)}",
        f"ngram 2={sum(map(len, pairs.values()))}",
        "",
        "\\1-grams:",
    ]
    for word, value in sorted(single.items()):
        value = -99 * LN10 if word == BEGIN else value
        lines.append(f"{value / LN10:.3f}\t{word}\t{backoff(word, single, pairs) / LN10:.3f}")
    lines += ["", "\\2-grams:"]
    for first, seconds in sorted(pairs.items()):
        lines += [f"{value / LN10:.3f}\t{first} {second}" for second, value in sorted(seconds.items())]
    data = "\n".join([*lines, "", "\\end\\", ""]).encode()
    out.write_bytes(gzip.compress(data, mtime=0))


def backoff(word: str, single: dict[str, float], pairs: dict[str, dict[str, float]]) -> float:
    """ln of the factor on single words after `word` that makes its probabilities sum to 1."""
    seen = pairs.get(word, {})
    left = 1 - sum(map(math.exp, seen.values()))
    unseen = 1 - sum(math.exp(single[second]) for second in seen)
    return math.log(max(left, 1e-6) / max(unseen, 1e-6))


if __name__ == "__main__":
    main()

"""PocketSphinx's keyphrase search. What it has found, with how likely, is read after every chunk."""

import math
import os
import tempfile

_UTTERANCE_CHUNKS = 600
"""It keeps every detection until the utterance ends: here after a minute."""


def load(models, threshold=1e-70):
    from pocketsphinx import Decoder

    handle, path = tempfile.mkstemp()
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{phrase} /{threshold:g}/\n" for phrase in models)
    decoder = Decoder(lm=None, loglevel="FATAL")
    decoder.add_kws("words", path)
    decoder.activate_search("words")
    decoder.start_utt()
    known, chunks = {}, 0

    def push(chunk):
        nonlocal known, chunks
        chunks += 1
        decoder.process_raw(chunk, False, False)
        found = {(part.word.strip(), part.start_frame): part.prob for part in decoder.seg() or ()}
        scores = [0.0] * len(models)
        for (word, start), probability in found.items():
            if known.get((word, start)) != probability and word in models:
                place = models.index(word)
                scores[place] = max(scores[place], _score(probability))
        known = found
        if chunks % _UTTERANCE_CHUNKS == 0:
            decoder.end_utt()
            decoder.start_utt()
            known = {}
        return scores

    return push


def _score(probability):
    """0 to 1 for log-likelihood ratios of 10^-150 to 1: the search scales them down by 2^10."""
    return min(1.0, max(0.0, 1 + 1024 * math.log10(probability) / 150))

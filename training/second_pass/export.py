"""A trained speller -> one .tflite with the signature that `kws.recognition.second_pass` runs."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from kws.manifest_keys import read_json, write_json
from kws.recognition.bundle import read_recognizer
from kws.standard_error import silenced
from training.second_pass.learn import SIZES
from training.second_pass.spellers import Speller

MOST_STEPS, LONGEST = SIZES[-1]
"""Twenty seconds, and characters of a text, the END before and after it included."""
MOST_TEXTS = 10
WEIGHT = 0.3
"""Of what it says, unless its card is changed."""


def put_beside(recognizer: Path, speller: Speller, kind: str) -> Path:
    """Write a trained speller beside the recognizer that it listens to, and name it in its card.

    Args:
        recognizer: NAME.json.
        speller: trained.
        kind: one of SPELLERS.

    Returns:
        NAME.second-pass.tflite.
    """
    path = recognizer.with_suffix(".second-pass.tflite")
    path.write_bytes(exported(speller))
    sha256 = read_recognizer(recognizer).model_sha256
    about = {"kind": kind, "width": speller.width, "recognizer_sha256": sha256, "weight": WEIGHT}
    manifest = read_json(recognizer)
    manifest["kws"].setdefault("card", {})["second_pass"] = about
    write_json(recognizer, manifest)
    return path


def exported(
    speller: Speller, *, steps: int = MOST_STEPS, texts: int = MOST_TEXTS, longest: int = LONGEST
) -> bytes:
    """The file's content; weights are int8, what is computed with them is float.

    Args:
        speller: trained.
        steps: the longest utterance.
        texts: judged at once.
        longest: of them, in characters, the END before and after included.
    """

    def judge(heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        score, attention = speller.score(heard, count, texts)
        return {"score": score, "attention": attention}

    signature = [
        tf.TensorSpec((1, steps, speller.tokens), tf.float32, name="heard"),
        tf.TensorSpec((1,), tf.int32, name="count"),
        tf.TensorSpec((texts, longest), tf.int32, name="texts"),
    ]
    concrete = tf.function(judge, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], speller)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with silenced():
        return bytes(converter.convert())

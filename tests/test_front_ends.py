"""Models on the speech embedding beside those on the micro front end: one front end of each kind."""

from __future__ import annotations

import dataclasses
import importlib.util
import json

import community
import numpy as np
import pytest
from heads import head_bundle, random_head, random_rows
from signals import bursts
from tiny_tflite import SCORE, Tensor, tiny_model

from kws.bundle import find_bundle, read_bundle, write_bundle
from kws.encoders.rows import EmbeddingRows, EmbeddingRowsConfig
from kws.encoders.speech_embedding import SpeechEmbedding
from kws.engine import Engine, WakeWord
from kws.errors import BundleError
from kws.events import Detection
from kws.frontends import (
    ENCODERS,
    FULL_BAND,
    LOWER_LAYERS,
    MICRO,
    MICRO_EMBEDDING,
    SPEECH_EMBEDDING,
    WAVEFORM,
    new_front_end,
    row_format,
)
from kws.loading import load
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer, write_recognizer
from kws.recognition.tokens import PHONES
from kws.scoring import score_track
from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples
from training.heads.graph import head_model
from training.heads.head import Committee, Head

CONFIG = EmbeddingRowsConfig()


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Three words called one after the other, the last of them "alexa"."""
    return read_samples(RECORDINGS / "calls.flac")


# Rows


def test_rows_are_the_embeddings_that_the_encoder_computes():
    rows = EmbeddingRows().push(bursts())
    assert rows.dtype == np.int8
    assert np.array_equal(rows * np.float32(CONFIG.row_scale), SpeechEmbedding(int8=True).push(bursts()))


@pytest.mark.parametrize(
    "name", [MICRO, SPEECH_EMBEDDING, MICRO_EMBEDDING, LOWER_LAYERS, FULL_BAND, WAVEFORM]
)
def test_rows_come_when_the_format_says(name):
    wanted = row_format(name)
    for rows in (1, 2, 7):
        end = wanted.rows_end(rows)
        assert new_front_end(name).push(bursts()[:end]).shape == (rows, wanted.channels)
        assert len(new_front_end(name).push(bursts()[: end - 1])) == rows - 1
    assert wanted.rows_end(9) - wanted.rows_end(8) == round(wanted.row_seconds * SAMPLE_RATE)


def test_the_digest_covers_the_scale_and_the_ranges():
    louder = dataclasses.replace(CONFIG.embedding, int8_scale=1.0)
    changed = [
        dataclasses.replace(CONFIG, embedding=louder),
        dataclasses.replace(CONFIG, ranges_sha256="0" * 64),
    ]
    assert len({CONFIG.digest, *(config.digest for config in changed)}) == 3


# Engine


def test_an_engine_has_one_front_end_of_each_kind_in_use(tmp_path):
    one, other = head_bundle(tmp_path, "one"), head_bundle(tmp_path, "other", seed=1)
    alexa = community.manifest("alexa")
    assert list(load(one, other).front_ends) == [SPEECH_EMBEDDING]
    assert list(load(one, alexa, other).front_ends) == [SPEECH_EMBEDDING, MICRO]
    assert list(load(alexa).front_ends) == [MICRO]


def test_words_on_both_kinds_hear_together_what_they_hear_alone(tmp_path, speech):
    models = [
        head_bundle(tmp_path, "one"),
        community.manifest("alexa"),
        head_bundle(tmp_path, "other", seed=3),
    ]
    together = load(*models).push(Block(speech))
    alone = [event for model in models for event in load(model).push(Block(speech))]
    assert together == sorted(alone, key=lambda event: event.end)
    assert {event.name for event in together} == {"one", "alexa", "other"}


def test_end_is_the_audio_heard_when_the_event_comes(tmp_path):
    """The bias alone lets this head fire, at the first row that is judged."""
    always = dataclasses.replace(random_head(), out_bias=20.0)
    word = WakeWord(find_bundle(bundle_of(tmp_path, always, warmup_rows=3)))
    engine, heard = Engine([word]), []
    for position in range(1, SAMPLE_RATE):
        heard += [(position, event) for event in engine.push(Block(np.zeros(1, np.int16)))]
    ((position, event),) = heard
    assert position == round(event.end * SAMPLE_RATE) == CONFIG.rows_end(4)


def bundle_of(folder, head: Head, **ours):
    path = head_bundle(folder, **ours)
    manifest = json.loads(path.read_text())
    return write_bundle(
        folder, "word", head_model(Committee((head,)), random_rows()), manifest, front_end=SPEECH_EMBEDDING
    )


def test_after_a_long_gap_all_starts_anew(tmp_path, speech):
    engine, start = load(head_bundle(tmp_path)), 100 * SAMPLE_RATE
    engine.push(Block(bursts()))
    heard = engine.push(Block(speech, start=start))
    alone = load(head_bundle(tmp_path)).push(Block(speech))
    assert [event.score for event in heard] == [event.score for event in alone] != []
    assert [event.end for event in heard] == [pytest.approx(100 + event.end) for event in alone]


def test_scores_are_what_the_detector_compares(tmp_path, speech):
    path = head_bundle(tmp_path)
    track = score_track([Block(speech)], WakeWord(find_bundle(path)))
    event = next(e for e in load(path).push(Block(speech)) if isinstance(e, Detection))
    step = int(np.argmax(track.score >= np.float32(0.5)))
    assert (event.score, event.end) == (track.score[step], track.time[step])


# Bundles


def test_a_bundle_names_the_encoder_and_its_digest(tmp_path):
    path = head_bundle(tmp_path)
    ours = json.loads(path.read_text())["kws"]
    assert ours["encoder"] == {"name": SPEECH_EMBEDDING, "digest": CONFIG.digest}
    assert "frontend" not in ours
    bundle = read_bundle(path)
    assert (bundle.front_end, bundle.rows) == (SPEECH_EMBEDDING, CONFIG)
    assert read_bundle(community.manifest("alexa")).front_end == MICRO


@pytest.mark.parametrize("name", ENCODERS)
def test_wake_words_and_recognizers_name_what_hears_for_them_alike(tmp_path, name):
    rows = row_format(name)
    heard = Tensor("int8", (1, 1, rows.channels), rows.row_scale, rows.row_zero_point)
    manifest = json.loads(head_bundle(tmp_path).read_text())
    word = write_bundle(tmp_path, "word", tiny_model([heard], [SCORE]), manifest, front_end=name)
    tokens = {"phones": (0, len(PHONES))}
    logits = Tensor("uint8", (1, len(PHONES)), 1 / 256, 0)
    ears = write_recognizer(
        tmp_path, "ears", tiny_model([heard], [logits]), language="en", tokens=tokens, flush_rows=0, card={},
        encoder=name,
    )  # fmt: skip
    stated = [json.loads(path.read_text())["kws"]["encoder"] for path in (word, ears)]
    assert stated == 2 * [{"name": name, "digest": rows.digest}]
    steps = len(new_front_end(name).push(bursts()))
    assert len(score_track([Block(bursts())], WakeWord(find_bundle(word))).score) == steps
    acoustic = AcousticModel(find_recognizer(ears))
    assert acoustic.step_seconds == rows.row_seconds
    found = acoustic.push(new_front_end(acoustic.front_end).push(bursts()))
    assert len(found) - steps in (0, 1)  # the quiet before it is heard in the same stream


def test_seconds_are_counted_in_steps_of_the_encoder(tmp_path):
    bundle = read_bundle(head_bundle(tmp_path, refractory_seconds=1.6, warmup_rows=9))
    config = bundle.detector_config(bundle.open_model())
    assert (config.refractory, config.warmup) == (20, 9)


@pytest.mark.parametrize(
    ("encoder", "finding"),
    [
        ("speech-embedding", "kws.encoder is 'speech-embedding'; it must be an object"),
        (
            {"name": "hubert", "digest": "1"},
            "kws.encoder.name is 'hubert'; it must be one of speech-embedding",
        ),
        ({"name": ["speech-embedding"], "digest": "1"}, "kws.encoder.name is ['speech-embedding']"),
        ({"digest": "1"}, "kws.encoder.name is missing"),
        ({"name": SPEECH_EMBEDDING}, "kws.encoder.digest is missing"),
        ({"name": SPEECH_EMBEDDING, "digest": "0123"}, "made for encoder '0123', this one is"),
    ],
)
def test_another_encoder_is_refused(tmp_path, encoder, finding):
    path = head_bundle(tmp_path)
    manifest = json.loads(path.read_text())
    manifest["kws"]["encoder"] = encoder
    path.write_text(json.dumps(manifest))
    with pytest.raises(BundleError) as refused:
        read_bundle(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert finding in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        (Tensor("int8", (1, 3, 40), 0.10196078568696976, -128), "takes 40 channels, the front end gives 96"),
        (Tensor("int8", (1, 1, 96), 0.25, 0), "input quantization is scale 0.25"),
        (Tensor("int8", (1, 1, 96), 0.5, -128), "zero point -128"),
    ],
)
def test_a_model_of_other_rows_is_refused(tmp_path, rows, finding):
    manifest = json.loads(head_bundle(tmp_path).read_text())
    content = tiny_model([rows], [SCORE])
    path = write_bundle(tmp_path, "word", content, manifest, front_end=SPEECH_EMBEDDING)
    with pytest.raises(BundleError, match=finding):
        read_bundle(path).open_model()


def test_without_the_package_the_model_is_named_and_the_remedy(tmp_path, monkeypatch):
    path = head_bundle(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BundleError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}: cannot be run: ")
    assert "pip install 'kws[encoder]'" in str(refused.value)


def test_a_bundle_stamped_anew_forgets_the_front_end_it_had(tmp_path):
    """From one kind to the other: only what holds now stands in the manifest."""
    manifest = json.loads(head_bundle(tmp_path).read_text())
    path = write_bundle(tmp_path, "word", tiny_model(), manifest)
    assert read_bundle(path).front_end == MICRO

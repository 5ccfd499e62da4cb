"""The streaming model: shapes, state, and the refusal of every file that is not one."""

from __future__ import annotations

import sys

import community
import numpy as np
import pytest
from tiny_tflite import ROWS, SCORE, Tensor, tiny_model

from kws.errors import BundleError
from kws.frontend import FrontendConfig
from kws.model import StreamingModel


@pytest.fixture
def saved(tmp_path):
    """saved(bytes) -> the path of a .tflite that holds them."""

    def saved(content: bytes):
        path = tmp_path / "some.tflite"
        path.write_bytes(content)
        return path

    return saved


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, 40)).astype(np.int8)


def test_what_a_model_says_of_itself(saved):
    model = StreamingModel(
        saved(tiny_model([Tensor("int8", (1, 2, 40), 0.5, 3)], [Tensor("uint8", (1, 4), 0.25)]))
    )
    assert (model.stride, model.channels, model.labels) == (2, 40, 4)
    assert (model.input_quantization, model.output_quantization) == ((0.5, 3), (0.25, 0))


@pytest.mark.parametrize(("pushed", "steps"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2)])
def test_one_step_per_stride_rows(saved, pushed, steps):
    outputs = StreamingModel(saved(tiny_model(value=7))).push(rows(pushed))
    np.testing.assert_array_equal(outputs, np.full((steps, 1), 7, np.uint8), strict=True)


def test_the_state_is_carried_from_push_to_push():
    model = StreamingModel(community.tflite("hey_mycroft"))
    first, second = model.push(rows(30)), model.push(rows(30))
    assert not np.array_equal(first, second)


def test_the_state_after_loading_is_the_one_the_graph_assigns():
    """A graph sets its variables at the first step; a second model, and a reset one, must do so again."""
    one = StreamingModel(community.tflite("hey_mycroft"))
    fresh = one.push(rows(30))
    for seed in (1, 2):
        one.push(rows(60, seed))
        one.reset()
        np.testing.assert_array_equal(one.push(rows(30)), fresh)
    np.testing.assert_array_equal(StreamingModel(community.tflite("hey_mycroft")).push(rows(30)), fresh)


def test_a_model_outlives_its_file(saved):
    path = saved(community.tflite("hey_mycroft").read_bytes())
    model = StreamingModel(path)
    before = model.push(rows(30))
    path.unlink()
    model.reset()
    np.testing.assert_array_equal(model.push(rows(30)), before)


def test_equal_models_are_held_once_and_others_are_not_taken_for_them(saved):
    one, same, other = (StreamingModel(saved(tiny_model(value=value))) for value in (7, 7, 8))
    assert one._content is same._content
    assert [model.push(rows(3)).item() for model in (one, same, other)] == [7, 7, 8]


def test_a_model_that_has_heard_nothing_is_not_opened_again(monkeypatch):
    model = StreamingModel(community.tflite("hey_mycroft"))
    opened = []
    new = StreamingModel._new_interpreter
    monkeypatch.setattr(StreamingModel, "_new_interpreter", lambda self: opened.append(self) or new(self))
    model.reset()
    assert opened == []
    model.push(rows(30))
    for _ in range(2):
        model.reset()
        assert opened == [model]


def test_names_that_litert_interns_do_not_come_and_go_with_every_reset(saved):
    named = community.tflite("hey_mycroft").read_bytes().replace(b"serving_default", b"serving_for_kws")
    model = StreamingModel(saved(named))
    model._interpreter = None
    name = "_".join(["serving", "for", "kws"])
    assert sys.intern(name) is not name


def test_rows_of_another_type_or_width_are_refused(saved):
    model = StreamingModel(saved(tiny_model()))
    with pytest.raises(ValueError, match="FLOAT32"):
        model.push(rows(3).astype(np.float32))
    with pytest.raises(ValueError, match="Dimension mismatch"):
        model.push(rows(3)[:, :39])


@pytest.mark.parametrize("name", community.NAMES)
def test_published_models_take_rows_as_the_front_end_gives_them(name):
    config = FrontendConfig()
    model = StreamingModel(community.tflite(name))
    assert model.input_quantization == (config.row_scale, config.row_zero_point)
    assert (model.channels, model.labels) == (config.channels, 1)


WRONG = {
    "no inputs": (tiny_model(inputs=[]), "0 inputs and 1 outputs", "export it as a streaming model"),
    "two inputs": (
        tiny_model(inputs=[ROWS, ROWS]),
        "2 inputs and 1 outputs",
        "export it as a streaming model",
    ),
    "two outputs": (
        tiny_model(outputs=[SCORE, SCORE]),
        "1 inputs and 2 outputs",
        "export it as a streaming model",
    ),
    "float input": (tiny_model([Tensor("float32", (1, 3, 40))]), "float32 [1, 3, 40]", "quantize it to int8"),
    "uint8 input": (
        tiny_model([Tensor("uint8", (1, 3, 40), 0.1)]),
        "uint8 [1, 3, 40]",
        "quantize it to int8",
    ),
    "flat input": (tiny_model([Tensor("int8", (1, 120), 0.1)]), "int8 [1, 120]", "expected int8 [1, stride"),
    "batch input": (
        tiny_model([Tensor("int8", (2, 3, 40), 0.1)]),
        "int8 [2, 3, 40]",
        "expected int8 [1, stride",
    ),
    "float output": (tiny_model(outputs=[Tensor("float32", (1, 1))]), "float32 [1, 1]", "to uint8"),
    "int8 output": (tiny_model(outputs=[Tensor("int8", (1, 1), 0.1)]), "int8 [1, 1]", "to uint8"),
    "deep output": (tiny_model(outputs=[Tensor("uint8", (1, 1, 2), 0.1)]), "uint8 [1, 1, 2]", "[1, labels]"),
    "empty file": (b"", "LiteRT cannot load it", "complete .tflite file"),
    "text": (b"not a model at all", "LiteRT cannot load it", "complete .tflite file"),
    "half a file": (tiny_model()[:200], "LiteRT cannot load it", "complete .tflite file"),
    "no labels": (tiny_model(outputs=[Tensor("uint8", (1, 0), 0.1)]), "uint8 [1, 0]", "[1, labels]"),
    "no rows": (tiny_model([Tensor("int8", (1, 0, 40), 0.1)]), "int8 [1, 0, 40]", "stride"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_model_is_refused_with_its_name_the_finding_and_the_remedy(saved, what):
    content, finding, remedy = WRONG[what]
    path = saved(content)
    with pytest.raises(BundleError) as caught:
        StreamingModel(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert finding in text
    assert remedy in text
    assert "\n" not in text


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"none\.tflite: cannot be read \(No such file.*give the path"):
        StreamingModel(tmp_path / "none.tflite")


@pytest.mark.parametrize("kept", [1, 100, 5_000, 40_000])
def test_a_truncated_download_is_refused(saved, kept):
    with pytest.raises(BundleError, match=r"complete \.tflite"):
        StreamingModel(saved(community.tflite("alexa").read_bytes()[:kept]))

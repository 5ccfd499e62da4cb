"""A head's int8 graph says what its weights say, from the first row on, in little room."""

from __future__ import annotations

import numpy as np
import pytest
from heads import random_head, random_rows

from kws.encoders.rows import EmbeddingRowsConfig
from kws.model import StreamingModel
from training.heads.graph import head_model
from training.heads.head import Committee
from training.heads.recipe import HeadRecipe


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def slowly(head, rows: np.ndarray) -> np.ndarray:
    """The definition, one step at a time: (t,) logits."""
    past = [np.zeros(96, np.int8)] * head.context
    logits = []
    for row in rows:
        past = [*past[1:], row]
        x = [
            np.maximum(0, 0.5 * heard.astype(np.float64) @ head.project + head.project_bias) for heard in past
        ]
        x = np.einsum("cp,cph->h", np.array(x), head.hidden) + head.hidden_bias
        logits.append(np.maximum(0, x) @ head.out + head.out_bias)
    return np.array(logits)


@pytest.fixture
def streamed(tmp_path):
    """streamed(rows, head, ...) -> the int8 model's probabilities, and the model."""

    def streamed(rows, *heads, **options):
        path = tmp_path / "head.tflite"
        path.write_bytes(head_model(Committee(heads), random_rows(seed=9)))
        model = StreamingModel(path, **options)
        return model.push(rows)[:, 0] / 256, model

    return streamed


@pytest.mark.parametrize("context", [1, 2, 16])
def test_logits_are_those_of_the_definition(context):
    head, rows = random_head(context=context), random_rows(count=40)
    np.testing.assert_allclose(head.logits(rows), slowly(head, rows), atol=1e-4)


@pytest.mark.parametrize("reference_kernels", [False, True])
@pytest.mark.parametrize("context", [2, 16])
def test_int8_stays_near_the_float_head_from_the_first_row_on(streamed, context, reference_kernels):
    head, rows = random_head(context=context), random_rows()
    found, _ = streamed(rows, head, reference_kernels=reference_kernels)
    wanted = probability(head.logits(rows))
    assert np.abs(found - wanted).max() < min(0.05, wanted.std() / 2)
    assert np.ptp(wanted[: context + 3]) > 0.05


def test_input_and_output_are_those_of_a_bundle(streamed):
    _, model = streamed(random_rows(), random_head())
    config = EmbeddingRowsConfig()
    assert (model.stride, model.channels, model.labels) == (1, 96, 1)
    assert model.input_quantization == (config.row_scale, config.row_zero_point)
    assert model.output_quantization == (1 / 256, 0)


def test_heads_of_the_usual_size_are_small():
    usual = HeadRecipe()
    heads = [random_head(n, usual.context, usual.projected, usual.hidden) for n in range(usual.heads)]
    assert len(head_model(Committee(tuple(heads)), random_rows())) <= 20_000


def test_several_heads_say_the_mean(streamed):
    one, other = random_head(1), random_head(2, context=5, projected=8, hidden=12)
    rows = random_rows()
    mean = (one.logits(rows) + other.logits(rows)) / 2
    np.testing.assert_allclose(Committee((one, other)).logits(rows), mean, atol=1e-4)
    found, _ = streamed(rows, one, other)
    assert np.abs(found - probability(mean)).max() < 0.05


def test_scaled_logits():
    head, rows = random_head(), random_rows()
    for one in (head, Committee((head, head))):
        np.testing.assert_allclose(
            one.scaled(0.5, 3.0).logits(rows), 0.5 * (head.logits(rows) - 3), atol=1e-4
        )

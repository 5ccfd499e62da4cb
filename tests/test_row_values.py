"""What int8 rows stand for, by the form of each front end."""

from __future__ import annotations

import numpy as np
import pytest

from kws.frontends import FULL_BAND, LOWER_LAYERS, MICRO, SPEECH_EMBEDDING, row_format
from training.learning.row_values import real_valued


@pytest.mark.parametrize("name", [MICRO, SPEECH_EMBEDDING, LOWER_LAYERS, FULL_BAND])
def test_every_int8_stands_for_a_step_of_its_scale(name: str) -> None:
    form, every = row_format(name), np.arange(-128, 128).astype(np.int8)
    real = real_valued(every, form)
    assert real.dtype == np.float32
    assert real[every == form.row_zero_point] == 0
    np.testing.assert_allclose(np.diff(real), form.row_scale, rtol=1e-4)

"""Audio as rows: nothing lost, nothing changed, however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.frontends import WAVEFORM, new_front_end, no_rows, row_format, row_timing
from kws.waveform import Waveform

SAMPLES = np.random.default_rng(1).integers(-32768, 32768, 1000).astype(np.int16)


@given(st.lists(st.integers(0, 1000), max_size=8))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    stage = Waveform()
    rows = np.concatenate([stage.push(part) for part in np.split(SAMPLES, sorted(cuts))])
    np.testing.assert_array_equal(rows.reshape(-1), SAMPLES[:960])
    stage.reset()
    np.testing.assert_array_equal(stage.push(SAMPLES), rows)


def test_it_is_a_front_end_by_name() -> None:
    rows = new_front_end(WAVEFORM).push(SAMPLES)
    assert rows.shape == (6, row_format(WAVEFORM).channels)
    assert rows.dtype == no_rows(WAVEFORM).dtype
    assert row_timing(WAVEFORM) == (160, 160)
    assert row_format(WAVEFORM).rows_end(6) == 960


def test_other_than_int16_is_refused() -> None:
    with pytest.raises(ValueError, match="int16"):
        Waveform().push(np.zeros(10, np.float32))  # type: ignore[arg-type]

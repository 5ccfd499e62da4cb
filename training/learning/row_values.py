"""What int8 rows stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kws.frontends import RowFormat
from kws.types import Rows


def real_valued(rows: Rows, form: RowFormat) -> npt.NDArray[np.float32]:
    """Rows of that form as a network takes them in learning, float32."""
    return (rows.astype(np.float32) - form.row_zero_point) * np.float32(form.row_scale)

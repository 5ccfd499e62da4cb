"""Rows -> log-probabilities of phones or characters: the recognizer's acoustic stage."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.delegates import Delegate
from kws.errors import BundleError
from kws.frontend import FrontendConfig
from kws.frontends import MICRO, WAVEFORM, row_format
from kws.recognition.bundle import TOKEN_SETS, RecognizerBundle
from kws.recognition.tokens import Kind, LogProbs, Tokens
from kws.types import Outputs, Rows

SETTLING_SECONDS = 0.48
"""Quiet that the network hears after every reset."""
QUIET_DBFS = -72.0
"""RMS level of a quiet room's noise, for models that hear the audio itself."""


class AcousticModel:
    """A streaming Stage: rows (t, channels) -> LogProbs (steps, tokens) of one token set, or two in a row.

    Args:
        bundle: the recognizer; its `front_end` says what the rows are.
        kind: which of its token sets; both cost the same.
        beside: another one, whose columns follow.
        reference_kernels: as `kws.model.StreamingModel` has it.
        delegate: as well.

    Raises:
        BundleError: the model does not fit its manifest, or lacks that token set, or its encoder is not
            installed.
    """

    def __init__(
        self,
        bundle: RecognizerBundle,
        kind: Kind = "phones",
        *,
        beside: Kind | None = None,
        reference_kernels: bool = False,
        delegate: Delegate | None = None,
    ) -> None:
        self._kinds = [kind, beside] if beside else [kind]
        for wanted in self._kinds:
            if wanted not in bundle.tokens:
                raise BundleError(
                    f"{bundle.manifest_path}: no {wanted} in this recognizer; it has {list(bundle.tokens)}"
                )
        self.bundle, self.kind = bundle, kind
        self._encoder = bundle.new_encoder()
        self._model = bundle.open_model(reference_kernels=reference_kernels, delegate=delegate)
        self.reset()

    @property
    def tokens(self) -> Tokens:
        """The token set of `push`, or the first of the two."""
        return TOKEN_SETS[self.kind]

    @property
    def front_end(self) -> str:
        """What the rows are, see kws.frontends."""
        return self.bundle.front_end

    @property
    def step_rows(self) -> int:
        """Rows per step."""
        return round(self.step_seconds / self.bundle.row_seconds)

    @property
    def step_seconds(self) -> float:
        """Time from one step to the next."""
        return self._model.stride * self.bundle.input_seconds

    def push(self, rows: Rows) -> LogProbs:
        """One row of log-probabilities for every step that these rows complete."""
        if self._encoder:
            samples: Any = rows.reshape(-1)  # the audio itself, as int16
            rows = self._encoder.push(samples)
        outputs = self._model.push(rows)
        found = [self._log_probs(outputs, kind) for kind in self._kinds]
        return found[0] if len(found) == 1 else np.hstack(found)

    def of_inputs(self, inputs: Rows) -> dict[Kind, LogProbs]:
        """The same by all token sets, of what an encoder has made of rows, or of rows where there is none."""
        outputs = self._model.push(inputs)
        return {kind: self._log_probs(outputs, kind) for kind in self.bundle.tokens}

    def flush(self) -> LogProbs:
        """Speech has ended: what was heard but not yet written down. Call `reset` before going on."""
        return self.push(quiet_rows(self.front_end, self.bundle.flush_rows))

    def reset(self) -> None:
        """As new: in a room where nobody has spoken yet."""
        self._model.reset()
        if self._encoder:
            self._encoder.reset()
        # A network that has heard nothing at all waits for more before it writes anything down.
        self.push(quiet_rows(self.front_end, round(SETTLING_SECONDS / self.bundle.row_seconds)))

    def _log_probs(self, outputs: Outputs, kind: Kind) -> LogProbs:
        scale, zero = self._model.output_quantization
        first, count = self.bundle.tokens[kind]
        logits = (outputs[:, first : first + count].astype(np.float32) - np.float32(zero)) * np.float32(scale)
        return log_softmax(logits)


@cache
def quiet_rows(front_end: str, count: int) -> Rows:
    """Rows of a room where nobody speaks: none of sound, or faint noise where the audio itself is heard.

    The same array each time, so it cannot be written to.
    """
    rows = _made_quiet(front_end, count)
    rows.flags.writeable = False
    return rows


def _made_quiet(front_end: str, count: int) -> Rows:
    channels = row_format(front_end).channels
    if front_end == WAVEFORM:
        noise = np.random.default_rng(0).normal(0, 32768 * 10 ** (QUIET_DBFS / 20), (count, channels))
        faint: Rows = np.rint(noise).astype(np.int16)
        return faint
    assert front_end == MICRO
    return np.full((count, channels), FrontendConfig().row_zero_point, np.int8)


def log_softmax(logits: npt.NDArray[np.float32]) -> LogProbs:
    """Rows normalized so that their exponentials sum to 1."""
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    normalized: LogProbs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalized

"""int8 rows -> log-probabilities of phones or characters: the recognizer's acoustic stage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kws.delegates import Delegate
from kws.errors import BundleError
from kws.frontend import FrontendConfig
from kws.recognition.bundle import TOKEN_SETS, RecognizerBundle
from kws.recognition.tokens import Kind, LogProbs, Tokens
from kws.types import Outputs, Rows

SETTLING_STEPS = 12
"""Steps of quiet that the network hears after every reset: half a second."""


class AcousticModel:
    """A streaming Stage: int8 rows (t, 40) -> LogProbs (steps, tokens) of one token set.

    Args:
        bundle: the recognizer.
        kind: which of its token sets; both cost the same.
        reference_kernels: as `kws.model.StreamingModel` has it.
        delegate: as well.

    Raises:
        BundleError: the model does not fit its manifest, or lacks that token set.
    """

    def __init__(
        self,
        bundle: RecognizerBundle,
        kind: Kind = "phones",
        *,
        reference_kernels: bool = False,
        delegate: Delegate | None = None,
    ) -> None:
        if kind not in bundle.tokens:
            raise BundleError(
                f"{bundle.manifest_path}: no {kind} in this recognizer; it has {list(bundle.tokens)}"
            )
        self.bundle, self.kind = bundle, kind
        self._model = bundle.open_model(reference_kernels=reference_kernels, delegate=delegate)
        self.reset()

    @property
    def tokens(self) -> Tokens:
        """The token set of `push`."""
        return TOKEN_SETS[self.kind]

    @property
    def step_rows(self) -> int:
        """Front-end rows per step."""
        return self._model.stride

    @property
    def step_seconds(self) -> float:
        """Time from one step to the next."""
        return self._model.stride * FrontendConfig().row_seconds

    def push(self, rows: Rows) -> LogProbs:
        """One row of log-probabilities for every step that these rows complete."""
        return self.every_kind(rows)[self.kind]

    def every_kind(self, rows: Rows) -> dict[Kind, LogProbs]:
        """As `push`, of all token sets at once: the network runs only once for them."""
        return self._log_probs(self._model.push(rows))

    def flush(self) -> LogProbs:
        """Speech has ended: what was heard but not yet written down. Call `reset` before going on."""
        return self.push(self._quiet(self.bundle.flush_rows))

    def reset(self) -> None:
        """As new: in a room where nobody has spoken yet."""
        self._model.reset()
        # A network that has heard nothing at all waits for more before it writes anything down.
        self._model.push(self._quiet(SETTLING_STEPS * self._model.stride))

    def _quiet(self, rows: int) -> Rows:
        return np.full((rows, self._model.channels), FrontendConfig().row_zero_point, np.int8)

    def _log_probs(self, outputs: Outputs) -> dict[Kind, LogProbs]:
        scale, zero = self._model.output_quantization
        logits = (outputs.astype(np.float32) - np.float32(zero)) * np.float32(scale)
        places = self.bundle.tokens.items()
        return {kind: log_softmax(logits[:, first : first + count]) for kind, (first, count) in places}


def log_softmax(logits: npt.NDArray[np.float32]) -> LogProbs:
    """Rows normalized so that their exponentials sum to 1."""
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    normalized: LogProbs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalized

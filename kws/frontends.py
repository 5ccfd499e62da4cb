"""The front ends by name: what turns audio into the int8 rows that a model takes.

A model's rows come from the micro front end unless its manifest names an encoder (`kws.encoder`). A
recognizer on an encoder is pushed the audio itself, as rows, and so the encoder runs only while it listens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from kws.runtimes import LITERT, chosen, offer
from kws.types import Rows, Samples, Stage

MICRO = "micro"
SPEECH_EMBEDDING = "speech-embedding"
MICRO_EMBEDDING = "micro-embedding"
LOWER_LAYERS = "speech-embedding-lower"
FULL_BAND = "speech-embedding-lower-full-band"
WAVEFORM = "waveform"


class RowFormat(Protocol):
    """What rows are like and when they come."""

    @property
    def digest(self) -> str:
        """Of all that the values depend on: a model is run only on rows of the digest that it learned on."""

    @property
    def channels(self) -> int:
        """Columns of a row."""

    @property
    def row_scale(self) -> float:
        """What one int8 step means to a model: real = (int8 - row_zero_point) * row_scale."""

    @property
    def row_zero_point(self) -> int:
        """The int8 value that stands for 0."""

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next."""

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows (0 for none)."""


class _FrontEnd(NamedTuple):
    format: Callable[[], RowFormat]
    new: Callable[[], Stage[Samples, Any]]


# Each is imported when somebody hears through it: an encoder's configuration alone takes a millisecond.


def _micro() -> _FrontEnd:
    from kws.frontend import Frontend, FrontendConfig

    return _FrontEnd(FrontendConfig, Frontend)


def _speech_embedding() -> _FrontEnd:
    from kws.encoders.rows import EmbeddingRows, EmbeddingRowsConfig

    return _FrontEnd(EmbeddingRowsConfig, EmbeddingRows)


def _micro_embedding() -> _FrontEnd:
    from kws.encoders.micro_embedding import MicroEmbedding, MicroEmbeddingConfig

    return _FrontEnd(MicroEmbeddingConfig, MicroEmbedding)


def _lower_layers() -> _FrontEnd:
    from kws.encoders.lower_layers import LowerLayers, LowerLayersConfig

    return _FrontEnd(LowerLayersConfig, LowerLayers)


def _full_band() -> _FrontEnd:
    from kws.encoders.full_band import FullBand, FullBandConfig

    return _FrontEnd(FullBandConfig, FullBand)


def _waveform() -> _FrontEnd:
    from kws.waveform import Waveform, WaveformConfig

    return _FrontEnd(WaveformConfig, Waveform)


_FRONT_ENDS = {
    MICRO: _micro,
    SPEECH_EMBEDDING: _speech_embedding,
    MICRO_EMBEDDING: _micro_embedding,
    LOWER_LAYERS: _lower_layers,
    FULL_BAND: _full_band,
    WAVEFORM: _waveform,
}

_OF_A_PACKAGE = (SPEECH_EMBEDDING, LOWER_LAYERS, FULL_BAND)
"""Made of the published network."""

ENCODERS = (SPEECH_EMBEDDING, MICRO_EMBEDDING, LOWER_LAYERS, FULL_BAND)
"""Names allowed as `kws.encoder.name` in a manifest."""


@cache
def row_format(name: str) -> RowFormat:
    """Of the front end of this name; KeyError for another."""
    return _FRONT_ENDS[name]().format()


def new_front_end(name: str, engine: str = "") -> Stage[Samples, Rows]:
    """A front end of this name that has heard nothing; KwsError when what it is made of is not installed.

    The micro front end is the engine's own, whose rows are the same, see kws.runtimes.
    """
    if name == MICRO and (computing := chosen(engine)) != LITERT:
        return offer(computing).new_front_end()
    return _FRONT_ENDS[name]().new()


def no_rows(name: str) -> Rows:
    """None at all, in the form of those of this front end."""
    kind: Any = np.int16 if name == WAVEFORM else np.int8
    return np.empty((0, row_format(name).channels), kind)


def row_timing(front_end: str) -> tuple[int, int]:
    """Samples that the first row needs, and those that each one after it needs more."""
    first, second = (row_format(front_end).rows_end(rows) for rows in (1, 2))
    return first, second - first


def require(name: str) -> None:
    """KwsError, which says what to install, unless all that this front end is made of is there."""
    if name in _OF_A_PACKAGE:
        from kws.encoders.speech_embedding import network_file

        network_file()

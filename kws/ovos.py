"""A wake word plugin for Open Voice OS; mycroft.conf names it as "ovos-ww-plugin-kws"."""

from __future__ import annotations

from typing import Any

import numpy as np
from ovos_plugin_manager.templates.hotwords import HotWordEngine

from kws.events import Detection
from kws.loading import AUTO, load
from kws.types import Block


class KwsHotword(HotWordEngine):  # type: ignore[misc]  # untyped there
    """One wake word.

    Its configuration may have `model` (bundled name or path; by default the hotword's own name),
    `threshold` (by default the model's own), and `confirm` and `confirm_threshold`, as kws.load has them.
    Audio is 16-bit mono PCM at 16 kHz, as OVOS has it.
    """

    def __init__(
        self, key_phrase: str = "computer", config: dict[str, Any] | None = None, **more: Any
    ) -> None:
        super().__init__(key_phrase, config, **more)
        model = self.config.get("model") or key_phrase.replace(" ", "_")
        self._engine = load(
            model,
            threshold=self.config.get("threshold"),
            confirm=self.config.get("confirm", AUTO),
            confirm_threshold=self.config.get("confirm_threshold"),
        )
        self._heard = False

    def update(self, chunk: bytes) -> None:
        """Hear the next piece of audio."""
        whole = len(chunk) - len(chunk) % 2
        events = self._engine.push(Block(np.frombuffer(chunk[:whole], "<i2").astype(np.int16, copy=False)))
        self._heard = self._heard or any(isinstance(event, Detection) for event in events)

    def found_wake_word(self, *old_style: Any) -> bool:
        """Whether it was heard since the last time this was asked."""
        heard, self._heard = self._heard, False
        return heard

    def reset(self) -> None:
        """As new."""
        self._engine.reset()
        self._heard = False

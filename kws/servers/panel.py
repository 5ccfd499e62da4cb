"""What the HTTP server shows of a running daemon, and what it may change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kws.engine import Engine
from kws.recording import Recorder
from kws.servers.metrics import DaemonCollector, exposition
from kws.service import Service

STALLED_SECONDS = 15.0
"""Without audio for so long the daemon does not do its work."""


class Panel:
    """The `Daemon` of kws/servers/http.py."""

    def __init__(
        self, service: Service, recorder: Recorder, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._recorder = recorder
        self._clock = clock
        self.metrics = exposition(
            DaemonCollector(
                service.tally,
                lambda: service.outlets.outlets,
                lambda: service.yielded,
                lambda: recorder.dropped,
            )
        )

    def health(self) -> dict[str, Any]:
        """`status` is "ok" if audio came in the last seconds."""
        tally, now = self._service.tally, self._clock()
        quiet = now - tally.last_audio
        return {
            "status": "ok" if quiet < STALLED_SECONDS else "no audio",
            "seconds_since_audio": round(quiet, 1),
            "uptime_seconds": round(now - tally.started),
            "audio_seconds": round(tally.audio_seconds, 1),
        }

    def models(self) -> list[dict[str, Any]]:
        """One entry a wake word, in the engine's order."""
        engine = self._service.engine.latest
        if not isinstance(engine, Engine):
            return []
        return [
            {
                "name": word.bundle.name,
                "labels": list(word.bundle.labels),
                "threshold": word.detectors[0].config.threshold,
                "settings": settings(word.calibration),
            }
            for word in engine.wake_words
        ]

    def set_threshold(self, model: int, threshold: float) -> None:
        """Until the next reload; raises KwsError."""
        self._service.set_threshold(model, threshold)

    def mark(self, kind: str) -> str:
        """Keep the last seconds; raises KwsError where recording is off."""
        return self._recorder.mark(kind)


def settings(calibration: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """What each measured threshold costs: false alarms a day, misses in percent."""
    return [
        {
            "threshold": row["threshold"],
            "false_alarms_per_day": round(24 * row["false_alarms"] / row["hours"], 2),
            "misses_percent": round(100 * row["misses"] / row["occurrences"], 2),
        }
        for row in calibration
        if row.get("hours") and row.get("occurrences")
    ]

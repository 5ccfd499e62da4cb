"""The daemon: the loop of kws/daemon.py with everything around it that lets it run for months."""

from __future__ import annotations

import dataclasses
import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from kws.arbitration import Arbiter
from kws.attended import AttendedSource, StoppedError
from kws.config import Config
from kws.daemon import listen
from kws.engine import Engine
from kws.errors import KwsError
from kws.events import Event, Gap, SourceLost, SourceRestored
from kws.loudness import Loudness
from kws.notify import ServiceManager
from kws.sinks.outlets import Outlets
from kws.sources import open_source
from kws.swap import Listener, SwappableEngine
from kws.tally import Tally
from kws.types import Block, Sink, Source

STOP_SECONDS = 0.3
"""From when the daemon is told to stop, for sinks to hand over what waits."""
LAST_SECONDS = 0.1
"""Of that at least for what is heard in the last block, however long it took."""
DECISION_SECONDS = 0.1
"""For other daemons to say, before that, how well they heard a word."""
END_SECONDS = 30.0
"""The same when a recording has ended and there is time."""

_log = logging.getLogger(__name__)


class Service:
    """One configuration at work.

    Args:
        build: a configuration -> the engine it asks for; also called in another thread, to reload.
        reread: the configuration as it is now in its file.

    Raises:
        KwsError: a sink cannot be opened, or `build` refuses.
    """

    def __init__(
        self,
        config: Config,
        build: Callable[[Config], Listener],
        reread: Callable[[], Config],
        *,
        manager: ServiceManager | None = None,
        source: Source | None = None,
    ) -> None:
        self.tally = Tally()
        self.config = config
        """What is in force."""
        self.on_reload: list[Callable[[], None]] = []
        """Called, in another thread, when other models have taken over."""
        self._build = build
        self._reread = reread
        self._manager = manager or ServiceManager()
        self._source = source
        self._changing = threading.Lock()  # of the configuration: by a reload, or from the page
        self._reload_wanted = False
        self._reloading: threading.Thread | None = None
        self._stopped_at: float | None = None
        self._attended: AttendedSource | None = None
        self.engine = SwappableEngine(build(config))
        self.loudness = Loudness()
        self.outlets = Outlets(config.sink, measure=self.loudness.of)
        self._arbiter = self._new_arbiter()

    @property
    def yielded(self) -> int:
        """Detections that another daemon answered."""
        return self._arbiter.lost if self._arbiter else 0

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped_at is not None

    def run(self, *, sinks: Sequence[Sink] = (), taps: Sequence[Callable[[Block], None]] = ()) -> None:
        """Listen until the source ends or `stop`.

        Args:
            sinks: more sinks, of servers; they must not wait.
            taps: get every block of audio; they must not wait.

        Raises:
            SourceError: the source cannot be opened, or turns out unreadable.
        """
        self._attended = self._attend(taps)
        if self._stopped_at is not None:  # told before there was anything to stop
            self._attended.stop()
        try:
            listen(self._attended, self.engine, [_Watcher(self.tally), self._arbiter or self.outlets, *sinks])
        except StoppedError:
            pass  # the signal came just after a block
        finally:
            self._manager.stopping()
            if self._arbiter:
                self._arbiter.close(END_SECONDS if self._stopped_at is None else DECISION_SECONDS)
            self.outlets.close(self._seconds_left())

    def stop(self) -> None:
        """End soon. Call it in the main thread, or it waits for the next block."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            if self._attended is not None:
                self._attended.stop()

    def reload(self) -> None:
        """Read the configuration again, before the next block."""
        self._reload_wanted = True

    def set_threshold(self, model: int, threshold: float) -> None:
        """Let the model of that number (from 0) have another threshold until the next reload; any thread.

        Raises:
            KwsError: there is no such model.
        """
        with self._changing:
            models = list(self.config.model)
            if not 0 <= model < len(models):
                raise KwsError(f"model {model}: there are {len(models)}, counted from 0")
            models[model] = dataclasses.replace(
                models[model], threshold=threshold, **self._second_stage(model)
            )
            config = dataclasses.replace(self.config, model=tuple(models))
            self._take(config, self._build(config))

    def _seconds_left(self) -> float:
        """For sinks to hand over what waits."""
        if self._stopped_at is None:
            return END_SECONDS
        return max(LAST_SECONDS, self._stopped_at + STOP_SECONDS - time.monotonic())

    def _second_stage(self, model: int) -> dict[str, Any]:
        """What it is, so that another threshold of the first stage leaves it as it is."""
        engine = self.engine.latest
        return engine.wake_words[model].second_stage if isinstance(engine, Engine) else {}

    def handle_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reloads; call it in the main thread."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.stop()

        def reload(number: int, frame: FrameType | None) -> None:
            self.reload()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, reload)

    def _attend(self, taps: Sequence[Callable[[Block], None]]) -> AttendedSource:
        audio = self.config.audio
        return AttendedSource(
            self._source or open_source(audio.source, rate=audio.rate, channels=audio.channels),
            silence_seconds=audio.silence_seconds,
            tally=self.tally,
            opened=self._manager.ready,
            between=self._between_blocks,
            taps=[self.loudness.tap, self.outlets.tap, *taps],
        )

    def _new_arbiter(self) -> Arbiter | None:
        settings = self.config.arbitration
        if not settings.group:
            return None
        return Arbiter(settings, self.outlets.emit, lambda event: self.loudness.of(event)["snr"])

    def _between_blocks(self) -> None:
        self._manager.alive()
        busy = self._reloading is not None and self._reloading.is_alive()
        if self._reload_wanted and not busy:
            self._reload_wanted = False
            self._manager.reloading()
            # In a thread: models take a while to load, and audio goes on meanwhile.
            self._reloading = threading.Thread(target=self._reload, name="reload", daemon=True)
            self._reloading.start()

    def _take(self, config: Config, engine: Listener) -> None:
        self.engine.offer(engine)
        self.config = config
        for call in self.on_reload:
            call()
        # An engine that was replaced refers to itself, and by itself Python seldom looks for such.
        gc.collect()

    def _reload(self) -> None:
        try:
            with self._changing:
                self._read_again()
        finally:
            self._manager.ready()

    def _read_again(self) -> None:
        try:
            config = self._reread()
            engine = self._build(config)
            self.outlets.update(config.sink)
        except (KwsError, ModuleNotFoundError) as error:
            _log.error("%s; the configuration stays as it was", " ".join(str(error).split()))
        else:
            _say_what_needs_a_restart(self.config, config)
            self._take(config, engine)
            self.tally.reloads += 1
            logging.getLogger("kws").setLevel(config.daemon.log_level.upper())
            _log.info("configuration read again")


class _Watcher:
    """A Sink that counts every event, and logs those that say that something is wrong."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def emit(self, event: Event, /) -> None:
        self._tally.happened(event)
        if isinstance(event, Gap):
            lost = event.end - event.start
            _log.warning("%s: %.2f s of audio lost (%s)", event.source, lost, event.reason)
        elif isinstance(event, SourceLost):
            _log.warning("%s: lost (%s); trying to open it again", event.source, event.reason)
        elif isinstance(event, SourceRestored):
            _log.warning("%s: is back", event.source)

    def close(self) -> None:
        pass


def _say_what_needs_a_restart(old: Config, new: Config) -> None:
    tables: tuple[tuple[str, Any, Any], ...] = (
        ("audio", old.audio, new.audio),
        ("arbitration", old.arbitration, new.arbitration),
        ("http", old.http, new.http),
        ("recording", old.recording, new.recording),
        ("wyoming", old.wyoming, new.wyoming),
    )
    for name, before, after in tables:
        if before != after:
            _log.warning("[%s] has changed; that takes effect at the next start", name)

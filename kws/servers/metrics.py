"""The daemon's numbers in Prometheus' form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector

from kws.sinks.outlet import Outlet
from kws.tally import Histogram, Tally


class DaemonCollector:
    """Reads the tally and the outlets when it is asked; the loop pays nothing for it."""

    def __init__(
        self,
        tally: Tally,
        outlets: Callable[[], Sequence[Outlet]],
        yielded: Callable[[], int] = lambda: 0,
        unrecorded: Callable[[], int] = lambda: 0,
    ) -> None:
        self._tally = tally
        self._outlets = outlets
        self._yielded = yielded
        self._unrecorded = unrecorded

    def collect(self) -> Iterator[Metric]:
        """Every family of figures."""
        tally = self._tally
        yield _counter("kws_audio_seconds", "Audio heard.", tally.audio_seconds)
        yield _counter("kws_lost_seconds", "Audio lost in gaps.", tally.lost_seconds)
        yield _labelled("kws_gaps", "Gaps by reason, overflows for one.", "reason", tally.gaps.items())
        yield _counter("kws_clipped_samples", "Samples at full scale.", tally.clipped_samples)
        yield _counter("kws_reloads", "Configurations read again.", tally.reloads)
        yield _labelled("kws_events", "Events by type.", "type", tally.events.items())
        yield _labelled("kws_detections", "Wake words by name.", "name", tally.detections.items())
        yield _counter("kws_yielded_detections", "Wake words that another daemon answered.", self._yielded())
        yield _counter("kws_recordings_lost", "Recordings that the disk did not take.", self._unrecorded())
        level = "Level of the last block, dB below full scale."
        yield GaugeMetricFamily("kws_level_db", level, value=tally.level_db)
        yield _histogram(
            "kws_block_seconds", "From a block's arrival to its events' being handed on.", tally.block_seconds
        )
        yield from self._of_outlets()

    def _of_outlets(self) -> Iterator[Metric]:
        outlets = [(f"{number} {outlet.name}", outlet) for number, outlet in enumerate(self._outlets(), 1)]
        for field, text in (
            ("restored", "Events of an earlier run, read again from the spool."),
            ("delivered", "Events handed over."),
            ("dropped", "Events that found the queue full or could not be delivered in time."),
            ("refused", "Events that the other side did not want."),
            ("failures", "Tries that failed."),
        ):
            values = ((name, getattr(outlet.counts, field)) for name, outlet in outlets)
            yield _labelled(f"kws_sink_{field}", text, "sink", values)
        depth = GaugeMetricFamily("kws_sink_queue", "Events that wait.", labels=["sink"])
        spooled = GaugeMetricFamily("kws_sink_spooled", "Events in the spool's file.", labels=["sink"])
        for name, outlet in outlets:
            depth.add_metric([name], outlet.depth)
            spooled.add_metric([name], outlet.spooled)
        yield from (depth, spooled)


def exposition(collector: DaemonCollector) -> Callable[[], bytes]:
    """A function that writes all figures, those of the process (CPU, memory, files) among them."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in list(values):  # at once: the loop that listens may count something new meanwhile
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    """Prometheus counts up: each bucket holds those below it too."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*histogram.bounds, None], histogram.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(bound), total))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.sum)

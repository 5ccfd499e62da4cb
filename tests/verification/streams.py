"""Fifty clients of one Wyoming server, each with audio of its own in real time, for two minutes.

Every client begins elsewhere in the selftest's recordings and sends 64 ms at a time, at the pace of speech.
An event's latency runs from the sending of the chunk that completes it, which the server names by its time
stamp, to the event's arrival. Clients and server share the machine's cores; its load by others stands beside
the figures. Exit code 1 if a stream misses an event that it brings when it is heard alone, or has one too
many, or if a chunk could not be sent within a second of its time.

python tests/verification/streams.py [--streams 50] [--seconds 120] [MODEL ...]     # default: bundled models
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from soak import resident
from support.house import answers, free_port, until
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect

import kws
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples

CHUNK = 1_024
"""Samples."""
LATE_SECONDS = 1.0
"""For a chunk to be taken by the server."""
PATIENCE = 120.0


@dataclass
class Stream:
    """One client and what it was told."""

    audio: Samples
    sent: list[float] = field(default_factory=list)
    """When each chunk began to be sent."""
    latencies: list[float] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)
    latest: float = 0.0
    """Most seconds that a chunk was sent after its time."""

    async def run(self, port: int, begin: float) -> None:
        """All of the audio, from that moment on."""
        async with AsyncTcpClient("127.0.0.1", port) as client:
            listening = asyncio.create_task(self._listen(client))
            await client.write_event(Detect().event())
            await client.write_event(AudioStart(SAMPLE_RATE, 2, 1).event())
            await self._speak(client, begin)
            await client.write_event(AudioStop().event())
            await client.write_event(Ping().event())
            await asyncio.wait_for(listening, PATIENCE)

    async def _speak(self, client: AsyncTcpClient, begin: float) -> None:
        for number in range(len(self.audio) // CHUNK):
            due = begin + number * CHUNK / SAMPLE_RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            pcm = self.audio[number * CHUNK : (number + 1) * CHUNK].tobytes()
            self.sent.append(time.perf_counter())
            await client.write_event(AudioChunk(SAMPLE_RATE, 2, 1, pcm, timestamp=number).event())
            self.latest = max(self.latest, time.perf_counter() - due)

    async def _listen(self, client: AsyncTcpClient) -> None:
        """Up to the answer to our last word, before which everything else has come."""
        while (event := await client.read_event()) and not Pong.is_type(event.type):
            if event.type == "detection":
                self.latencies.append(time.perf_counter() - self.sent[event.data["timestamp"]])
                self.names[event.data["name"]] += 1


async def run_all(streams: list[Stream], port: int) -> None:
    """All at once, their chunks spread evenly over time."""
    begin = time.perf_counter() + 1
    spread = CHUNK / SAMPLE_RATE / len(streams)
    await asyncio.gather(*(stream.run(port, begin + n * spread) for n, stream in enumerate(streams)))


def audio_of(number: int, streams: int, seconds: float) -> Samples:
    """The recordings one behind the other, from another place for each stream."""
    speech = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    start = number * len(speech) // streams
    count = round(seconds * SAMPLE_RATE) // CHUNK * CHUNK
    return speech[np.arange(start, start + count) % len(speech)]


def heard_alone(models: list[str], audio: Samples) -> Counter[str]:
    """Events by name in one engine, of audio that has it to itself."""
    engine = kws.load(*models)
    return Counter(event.name for event in engine.push(Block(audio)) + engine.flush())


@contextlib.contextmanager
def ended(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """After the block, also where it fails."""
    try:
        yield
    finally:
        server.terminate()


def processor_seconds(process: int) -> float:
    """That a process has used, its threads together."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def waiting_seconds(process: int) -> float:
    """That a process, its threads together, was ready to run and others had the processors."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


@click.command()
@click.option("--streams", "count", default=50, show_default=True)
@click.option("--seconds", default=120.0, show_default=True)
@click.argument("models", nargs=-1)
def main(count: int, seconds: float, models: tuple[str, ...]) -> None:
    """Print what it costs and how late events are; the last line sums it up."""
    names = list(models) or kws.bundled_names()
    streams = [Stream(audio_of(number, count, seconds)) for number in range(count)]
    port = free_port()
    options = [word for name in names for word in ("--model", name)]
    command = [sys.executable, "-m", "kws", "serve", "--uri", f"tcp://127.0.0.1:{port}", *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server, ended(server):
        until(lambda: answers(port), "server")
        empty = resident(server.pid)
        before, waited, own = processor_seconds(server.pid), waiting_seconds(server.pid), time.process_time()
        asyncio.run(run_all(streams, port))
        used, own = processor_seconds(server.pid) - before, time.process_time() - own
        waited = waiting_seconds(server.pid) - waited
        load, memory = os.getloadavg()[0], resident(server.pid)
    wrong = [stream.names - alone | alone - stream.names for stream in streams
             for alone in [heard_alone(names, stream.audio)]]  # fmt: skip
    differing = sum(differences.total() for differences in wrong)
    latencies = 1_000 * np.array([latency for stream in streams for latency in stream.latencies])
    late = max(stream.latest for stream in streams)
    p50, p99, longest = np.percentile(latencies, [50, 99, 100])
    print(f"models: {', '.join(names)}; {os.cpu_count()} cores, load average {load:.1f}, nice {os.nice(0)}")
    own_share = f"the clients: {100 * own / seconds:.1f} %"
    each = (memory - empty) / count
    print(f"server: {100 * used / seconds:.1f} % of one core; {own_share}")
    print(f"server: {memory:.0f} MB, {empty:.0f} MB before anybody came, {each:.1f} MB a client")
    print(f"the server was ready to run and waited for a core for {waited:.1f} s of {seconds:g} s")
    print(f"latency of {len(latencies)} events: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {longest:.1f} ms")
    print(f"chunks were taken {1_000 * late:.0f} ms after their time at most")
    per_stream = Counter(differences.total() for differences in wrong)
    print(f"streams by events that differ from those heard alone: {dict(sorted(per_stream.items()))}")
    print(
        f"{count} streams, {seconds:g} s in real time: {100 * used / seconds:.1f} % of one core, "
        f"{memory:.0f} MB, p99 {p99:.1f} ms, {differing} of {len(latencies)} events lost or too many"
    )
    sys.exit(0 if not differing and late <= LATE_SECONDS else 1)


if __name__ == "__main__":
    main()

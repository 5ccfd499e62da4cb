"""What a client of the Wyoming server takes: memory, and how long it waits for its first answer.

Clients come one after the other and stay: some listen for wake words, then as many send speech to be written
down. The server's resident memory is read when all of a kind have done as much; what the first one takes
stands apart, for whatever is loaded once is loaded for it.

Exit code 1 if a client is not answered.

python tests/verification/clients.py [--clients 20] [MODEL ...]      # default: bundled models; Linux only
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import click
import numpy as np
from soak import resident
from streams import CHUNK, ended
from support.house import RECORDING, answers, free_port, until
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.ping import Ping, Pong

import kws
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

PATIENCE = 120.0
SILENCE = np.zeros(SAMPLE_RATE, np.int16)

Act = Callable[[AsyncTcpClient], Awaitable[None]]


async def said(client: AsyncTcpClient, audio: Samples) -> None:
    """All of the audio at once, and every answer to it."""
    await client.write_event(AudioStart(SAMPLE_RATE, 2, 1).event())
    for start in range(0, len(audio), CHUNK):
        pcm = audio[start : start + CHUNK].tobytes()
        await client.write_event(AudioChunk(SAMPLE_RATE, 2, 1, pcm).event())
    await client.write_event(AudioStop().event())
    await client.write_event(Ping().event())
    while (event := await asyncio.wait_for(client.read_event(), PATIENCE)) and not Pong.is_type(event.type):
        pass
    if event is None:
        raise SystemExit("a client was disconnected before it was answered")


async def connected(client: AsyncTcpClient) -> None:
    """Nothing but that."""


async def waking(client: AsyncTcpClient) -> None:
    """A second of silence to the wake words."""
    await said(client, SILENCE)


async def woken(client: AsyncTcpClient) -> None:
    """Words that a second stage hears again."""
    await said(client, read_samples(RECORDING))


async def writing(client: AsyncTcpClient) -> None:
    """The same to the recognizer."""
    await client.write_event(Event("transcribe"))
    await said(client, read_samples(RECORDING))


STATES: dict[str, Act] = {
    "connected": connected,
    "has sent silence": waking,
    "has said wake words": woken,
    "has been written down": writing,
}


class Guests:
    """Clients of one server, which stay."""

    def __init__(self, port: int, server: int, stack: contextlib.AsyncExitStack) -> None:
        self._port, self._server, self._stack = port, server, stack
        self._clients: list[AsyncTcpClient] = []

    async def come(self, count: int) -> None:
        """So many more."""
        for _ in range(count):
            client = AsyncTcpClient("127.0.0.1", self._port)
            self._clients.append(await self._stack.enter_async_context(client))

    async def all_do(self, what: str, act: Act) -> None:
        """One after the other; prints what it has cost."""
        before = resident(self._server)
        took, memory = [], []
        for client in self._clients:
            began = time.perf_counter()
            await act(client)
            took.append(time.perf_counter() - began)
            memory.append(resident(self._server))
        each = (memory[-1] - memory[0]) / (len(memory) - 1)
        rest = 1_000 * sorted(took[1:])[len(took) // 2]
        print(
            f"{what}: the first {memory[0] - before:.2f} MB in {1_000 * took[0]:.0f} ms, each of "
            f"{len(took) - 1} more {each:.2f} MB in {rest:.0f} ms; {memory[-1]:.1f} MB in all"
        )


async def visit(port: int, server: int, count: int) -> None:
    """Every state, one after the other."""
    print(f"nobody has come: {resident(server):.1f} MB")
    async with contextlib.AsyncExitStack() as stack:
        guests = Guests(port, server, stack)
        await guests.come(count)
        for what, act in STATES.items():
            await guests.all_do(what, act)


@click.command()
@click.option("--clients", "count", default=20, show_default=True, type=click.IntRange(2))
@click.argument("models", nargs=-1)
def main(count: int, models: tuple[str, ...]) -> None:
    """Print what the clients cost; the last line is of those that speak to the recognizer."""
    names = list(models) or kws.bundled_names()
    port = free_port()
    options = [word for name in names for word in ("--model", name)] + ["--recognizer", "english"]
    command = [sys.executable, "-m", "kws", "serve", "--uri", f"tcp://127.0.0.1:{port}", *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server, ended(server):
        until(lambda: answers(port), "server")
        print(f"models: {', '.join(names)}; recognizer: english")
        asyncio.run(visit(port, server.pid, count))


if __name__ == "__main__":
    main()

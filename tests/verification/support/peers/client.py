"""client.py FILE PORT RECORDING SPEED: a Wyoming client that plays a recording for ever, keeps detections."""

import asyncio
import contextlib
import sys
from pathlib import Path

import soundfile
from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncTcpClient
from wyoming.wake import Detect

CHUNK = 1_024
"""Samples."""


async def main(told: Path, port: int, recording: str, speed: float) -> None:
    """Connect again for ever."""
    pcm = soundfile.read(recording, dtype="int16")[0].tobytes()
    while True:
        with contextlib.suppress(OSError):
            async with AsyncTcpClient("127.0.0.1", port) as client:
                told.with_suffix(".ready").touch()
                listening = asyncio.create_task(listen(client, told))
                await asyncio.wait(
                    {listening, asyncio.create_task(speak(client, pcm, speed))}, return_when="FIRST_COMPLETED"
                )
        await asyncio.sleep(0.05)


async def listen(client: AsyncTcpClient, told: Path) -> None:
    """Keep each detection as a line, to the connection's end."""
    while event := await client.read_event():
        if event.type == "detection":
            with told.open("a") as copy:
                copy.write(f"{event.data}\n")


async def speak(client: AsyncTcpClient, pcm: bytes, speed: float) -> None:
    """The recording, again and again."""
    await client.write_event(Detect().event())
    await client.write_event(AudioStart(16_000, 2, 1).event())
    while True:
        for start in range(0, len(pcm), 2 * CHUNK):
            await client.write_event(AudioChunk(16_000, 2, 1, pcm[start : start + 2 * CHUNK]).event())
            await asyncio.sleep(CHUNK / 16_000 / speed)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))

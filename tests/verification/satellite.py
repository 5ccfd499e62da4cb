"""wyoming-satellite, as published, with `kws serve` as its wake service: it hears a wake word and says so.

The satellite lives in an environment of its own, made on first use in .cache/satellite, for it pins an old
version of the package wyoming. We play Home Assistant, which tells it to run and is told what it detects, and
its microphone is a recording. Exit code 1 if the detection does not come.

python tests/verification/satellite.py
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymicro_wakeword
import soundfile
from support.house import free_port
from wyoming.client import AsyncTcpClient
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite

import kws

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".cache" / "satellite"
MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
PATIENCE = 60.0


def main() -> int:
    """Print what the satellite reports."""
    make_environment()
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder, "microphone.raw")
        samples = soundfile.read(RECORDING, dtype="int16")[0]
        microphone.write_bytes(np.tile(samples, 3).tobytes())
        heard = asyncio.run(detected(microphone))
    outcome = "woken by the recording" if heard else "not woken"
    print(f"wyoming-satellite {satellite_version()}, kws serve as its wake service: {outcome}")
    return 0 if heard else 1


def make_environment() -> None:
    """A virtual environment with wyoming-satellite."""
    if not (ENVIRONMENT / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)], check=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        python = str(ENVIRONMENT / "bin" / "python")
        subprocess.run([*pip, "--python", python, "install", "wyoming-satellite"], check=True)
        (ENVIRONMENT / "installed").touch()


def satellite_version() -> str:
    """As installed."""
    program = "from importlib.metadata import version; print(version('wyoming-satellite'))"
    command = [str(ENVIRONMENT / "bin" / "python"), "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def detected(microphone: Path) -> bool:
    """Whether the satellite is told of the wake word in the recording."""
    wake, satellite = free_port(), free_port()
    serve = [sys.executable, "-m", "kws", "serve", "--uri", f"tcp://127.0.0.1:{wake}"]
    # As fast as the satellite reads; its wake service gets it in order.
    play = f"{sys.executable} -c {shlex.quote(PLAYER.format(path=str(microphone)))}"
    run = [
        str(ENVIRONMENT / "bin" / "python"), "-m", "wyoming_satellite", "--name", "kitchen", "--no-zeroconf",
        "--uri", f"tcp://127.0.0.1:{satellite}", "--mic-command", play,
        "--wake-uri", f"tcp://127.0.0.1:{wake}", "--wake-word-name", "alexa",
    ]  # fmt: skip
    with running([*serve, "--model", str(MODEL), "--threshold", "0.3"]):
        await (await connected(wake)).disconnect()
        with running(run):
            client = await connected(satellite)
            await client.write_event(RunSatellite().event())
            try:
                return await asyncio.wait_for(woken(client), PATIENCE)
            except asyncio.TimeoutError:
                return False
            finally:
                await client.disconnect()


PLAYER = """
import sys, time
audio = open("{path}", "rb").read()
for start in range(0, len(audio), 2048):
    sys.stdout.buffer.write(audio[start:start + 2048]); sys.stdout.buffer.flush(); time.sleep(0.064)
time.sleep(60)
"""
"""A microphone that speaks in real time."""


async def woken(client: AsyncTcpClient) -> bool:
    """Once the satellite asks for what comes after the wake word, as it does when it was told of one."""
    while event := await client.read_event():
        if RunPipeline.is_type(event.type):
            return RunPipeline.from_event(event).start_stage is PipelineStage.ASR
    return False


async def connected(port: int) -> AsyncTcpClient:
    """Once the satellite listens."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            client = AsyncTcpClient("127.0.0.1", port)
            await client.connect()
            return client
        except ConnectionRefusedError:
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.2)


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    """A process for as long as the block."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the satellite's microphone too
        process.wait()


if __name__ == "__main__":
    sys.exit(main())

"""What `kws doctor` looks at: each examination gives findings in plain words, with the remedy."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kws.addresses import split_address
from kws.config import Config
from kws.config_keys import AudioSettings, ModelSettings
from kws.confirmation_table import default_members
from kws.engine import Engine, WakeWord
from kws.events import Event
from kws.loading import AUTO
from kws.sources import open_source
from kws.tally import SILENCE_DB, level_db
from kws.types import SAMPLE_RATE, Block, Samples

FRAME = SAMPLE_RATE // 50
"""Samples a level is taken over, 20 ms."""
DC_DB = -40.0
"""A constant voltage stronger than this uses up headroom."""
NOISY_DB, FAINT_DB = -40.0, -75.0
"""Floor above which speech across a room drowns, and below which a microphone is likely turned down."""
HUM_SHARE = 0.5
"""Share of the power at the mains' frequencies and their first harmonics that counts as hum."""
OFF_SHARE = 0.03
"""Deviation of the sample rate from what the device says, beyond which voices sound like others'."""
BUSY_SHARE = 0.5
"""Share of one core beyond which other work on it makes audio late."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["good", "doubtful", "bad"]
    text: str
    """What was found; after a semicolon what to do."""


def examine_audio(settings: AudioSettings, seconds: float) -> list[Finding]:
    """Listen, and judge what comes; raises SourceError if nothing can."""
    with open_source(settings.source, rate=settings.rate, channels=settings.channels) as blocks:
        parts: list[Samples] = []
        arrived: list[float] = []
        events: list[Event] = []
        end = time.monotonic() + 3 * seconds + 2
        for block in blocks:
            parts.append(np.array(block.pcm))
            arrived.append(time.monotonic())
            events += block.events
            if sum(map(len, parts)) >= seconds * SAMPLE_RATE or arrived[-1] > end:
                break
    samples = np.concatenate([np.empty(0, np.int16), *parts])
    lost = [Finding("bad", f"audio: {event.to_json()}; another program may hold it") for event in events]
    live = settings.source.startswith("mic:") and not lost
    return [*lost, *(_rate(list(map(len, parts)), arrived) if live else ()), *judge(samples)]


def judge(samples: Samples) -> list[Finding]:
    """Level, clipping, constant voltage, noise floor and hum of a few quiet seconds."""
    if len(samples) < FRAME:
        return [Finding("bad", "audio: none came; is the microphone muted, or held by another program?")]
    if not np.any(samples):
        return [
            Finding("bad", "audio: only zeros come; unmute the microphone, by its switch or in the mixer")
        ]
    centred = samples - np.mean(samples)
    return [_level(centred), _clipping(samples), _offset(samples), _floor(centred), _hum(centred)]


def examine_models(config: Config, engine: Engine) -> Iterator[Finding]:
    """Whether each model loads, what computes it, and who must agree with it."""
    for settings, word in zip(config.model, engine.wake_words, strict=True):
        yield from _second_stage(settings, word)
        text = f"model {word.bundle.name}: loads, threshold {word.detectors[0].config.threshold:g}"
        delegate = word.model.delegate
        if delegate:
            yield Finding("good", f"{text}, computed by the delegate {delegate}")
        elif settings.delegate:
            problem = f"the delegate {settings.delegate} will not compute it, so the processor does"
            yield Finding(
                "bad", f"{text}; {problem}: see the line about it above, or leave model.delegate out"
            )
        else:
            yield Finding("good", f"{text}, computed by the processor; no delegate is configured")


def _second_stage(settings: ModelSettings, word: WakeWord) -> Iterator[Finding]:
    name, stage = f"model {word.bundle.name}", word.second_stage
    if stage:
        score = f"with a score of {stage['confirm_threshold']:g}"
        yield Finding("good", f"{name}: {stage['confirm']} must hear it as well, {score}")
    elif settings.confirm == AUTO and settings.threshold is None and default_members(word.bundle):
        yield Finding(
            "doubtful",
            f"{name}: hears without the second stage that it was measured with; that needs LiteRT and "
            "pip install 'kws[encoder]'",
        )


def examine_speed(engine: Engine) -> Finding:
    """How much of one core listening takes here."""
    noise = np.random.default_rng(0).normal(0, 300, 5 * SAMPLE_RATE).astype(np.int16)
    started = time.process_time()
    for start in range(0, len(noise), 640):
        engine.push(Block(noise[start : start + 640]))
    share = (time.process_time() - started) / 5
    engine.reset()
    text = f"speed: listening takes {share:.2%} of one core"
    if share > BUSY_SHARE:
        return Finding("bad", f"{text}; use fewer models, or a faster computer")
    return Finding("good", text)


def examine_ports(config: Config) -> Iterator[Finding]:
    """Whether the addresses that the daemon listens on are free."""
    if config.http.address:
        host, port = split_address(config.http.address)
        yield _port(f"http.address {config.http.address}", host, port)
    if config.wyoming.uri.startswith("tcp://"):
        host, port = split_address(config.wyoming.uri.removeprefix("tcp://"))
        yield _port(f"wyoming.uri {config.wyoming.uri}", host, port)


def examine_resources() -> Iterator[Finding]:
    """Memory and load of this computer, as far as it tells."""
    if hasattr(os, "getloadavg"):
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        text = f"load: {load:.1f} on {cores} cores"
        if load > 2 * cores:
            yield Finding("doubtful", f"{text}; audio may be lost while others take the processor")
        else:
            yield Finding("good", text)


def _rate(lengths: Sequence[int], arrived: Sequence[float]) -> Iterator[Finding]:
    """By the clock, from the first block's end to the last one's: drivers hold some back at the start."""
    seconds = arrived[-1] - arrived[0] if arrived else 0.0
    if seconds < 1:
        return
    share = sum(lengths[1:]) / (seconds * SAMPLE_RATE)
    text = f"rate: audio comes {share:.1%} as fast as the device says"
    if abs(share - 1) > OFF_SHARE:
        yield Finding("bad", f"{text}; set audio.rate to another of its rates, or try another sound card")
    else:
        yield Finding("good", text)


def _level(centred: np.ndarray) -> Finding:
    """On average, and of the loudest frame; whether that is well, the floor and clipping tell."""
    frames = centred[: len(centred) // FRAME * FRAME].reshape(-1, FRAME)
    loudest = max(level_db(frame) for frame in frames)
    return Finding("good", f"level: {level_db(centred):.0f} dB, at most {loudest:.0f} dB")


def _clipping(samples: Samples) -> Finding:
    clipped = np.mean(np.abs(samples.astype(np.int32)) >= 32_767)
    if clipped > 1e-3:
        return Finding("bad", f"clipping: {clipped:.1%} of the samples; turn the microphone's gain down")
    if clipped > 0:
        return Finding("doubtful", "clipping: a few samples; turn the gain down if it was quiet")
    return Finding("good", "clipping: none")


def _offset(samples: Samples) -> Finding:
    mean = abs(float(np.mean(samples))) / 32_768
    level = 20 * np.log10(mean) if mean > 0 else SILENCE_DB
    text = f"constant voltage: {level:.0f} dB" if level > SILENCE_DB else "constant voltage: none"
    if level > DC_DB:
        return Finding("doubtful", f"{text}; it uses up headroom: another cable or sound card may mend it")
    return Finding("good", text)


def _floor(centred: np.ndarray) -> Finding:
    """The level that a tenth of the time lies below: what is there when nobody speaks."""
    frames = centred[: len(centred) // FRAME * FRAME].reshape(-1, FRAME)
    floor = float(np.quantile([level_db(frame) for frame in frames], 0.1))
    text = f"noise floor: {floor:.0f} dB"
    if floor > NOISY_DB:
        return Finding("doubtful", f"{text}, which is loud; turn the gain down or move away from fans")
    if floor < FAINT_DB:
        return Finding("doubtful", f"{text}, which is faint; turn the gain up if speech is not heard")
    return Finding("good", text)


def _hum(centred: np.ndarray) -> Finding:
    """Mains hum is a comb at 50 or 60 Hz; three harmonics tell it from a low voice."""
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(len(centred)))) ** 2
    width = max(1, round(2 * len(centred) / SAMPLE_RATE))  # bins of 2 Hz to either side
    total = float(spectrum.sum())
    shares = {}
    for mains in (50, 60):
        centres = [round(mains * n * len(centred) / SAMPLE_RATE) for n in (1, 2, 3)]
        power = sum(float(spectrum[max(0, c - width) : c + width + 1].sum()) for c in centres)
        shares[mains] = power / total if total else 0.0
    mains, share = max(shares.items(), key=lambda item: item[1])
    if share > HUM_SHARE:
        return Finding(
            "doubtful", f"hum: {share:.0%} of the power is at {mains} Hz; try another power supply"
        )
    return Finding("good", "hum: none to speak of")


def _port(name: str, host: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            return Finding("bad", f"{name}: {reason}; does the daemon run already? if not, name another")
    return Finding("good", f"{name}: free")

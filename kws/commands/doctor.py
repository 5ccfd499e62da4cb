"""`kws doctor`: what is wrong here, in plain words."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from kws.commands.engines import engine_of
from kws.errors import KwsError
from kws.examination import Finding, examine_audio, examine_ports, examine_resources

if TYPE_CHECKING:
    from kws.config import Config
    from kws.config_keys import AudioSettings

FAILED = 1
"""Exit code when something is wrong."""
SIGNS = {"good": "ok", "doubtful": "??", "bad": "!!"}


@click.command()
@click.option("--config", "-c", "path", type=click.Path(), help="TOML file of the daemon.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 60), default=3.0, show_default=True, help="How long to listen."
)
def doctor(path: str | None, seconds: float) -> int:
    """Look for what keeps kws from hearing well.

    Configuration, models and what computes them, microphones, their rate,
    level, clipping, hum and noise, speed, ports. Be quiet while it listens.
    Exit code 1 if something is wrong.
    """
    worst = "good"
    for finding in _findings(path, seconds):
        click.echo(f"{SIGNS[finding.state]}  {finding.text}")
        if finding.state == "bad":
            worst = "bad"
    return FAILED if worst == "bad" else 0


def _findings(path: str | None, seconds: float) -> Iterator[Finding]:
    from kws.config import Config, load_config

    try:
        config = load_config(path)
        yield Finding("good", f"configuration: {path or 'none given, so the defaults'}")
    except KwsError as error:
        yield Finding("bad", f"configuration: {error}")
        config = Config()
    yield from _tried(lambda: _models(config))
    needed = config.audio.source.startswith("mic:")
    yield from _tried(lambda: list(_devices(needed)))
    yield from _tried(lambda: _audio(config.audio, seconds))
    yield from examine_ports(config)
    yield from examine_resources()


def _tried(examine: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return examine()
    except KwsError as error:
        return [Finding("bad", " ".join(str(error).split()))]


def _models(config: Config) -> list[Finding]:
    from kws.examination import examine_models, examine_speed

    engine = engine_of(config)
    return [*examine_models(config, engine), examine_speed(engine)]


def _devices(needed: bool) -> Iterator[Finding]:
    """What there is; that there is none is bad where the daemon is to listen to one."""
    from kws.sources.microphone import list_devices

    try:
        devices = list_devices()
    except (KwsError, ModuleNotFoundError):
        if needed:
            raise
        devices = []
    for device in devices:
        default = ", the default" if device.is_default else ""
        text = (
            f"microphone {device.index}: {device.name}, {device.channels} channels, {device.rate} Hz{default}"
        )
        yield Finding("good", text)
    if not devices and needed:
        yield Finding(
            "bad", "microphones: there is none; plug one in, or check that this user may use it (group audio)"
        )
    elif not devices:
        yield Finding("good", "microphones: there is none, and audio.source is none")


def _audio(settings: AudioSettings, seconds: float) -> list[Finding]:
    if settings.source == "-" and not _is_piped(seconds):
        text = "audio: comes on standard input, where nothing came; pipe it into kws doctor too to hear of it"
        return [Finding("doubtful", text)]
    return examine_audio(settings, seconds)


def _is_piped(seconds: float) -> bool:
    """Whether something comes on standard input within that time."""
    if sys.stdin is None or sys.stdin.isatty():
        return False
    if os.name == "nt":  # which can wait for sockets alone
        return True
    return bool(select.select([sys.stdin], [], [], seconds)[0])

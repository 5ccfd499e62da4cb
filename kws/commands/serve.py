"""`kws serve`: the Wyoming server alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from kws.commands.engines import engine_of
from kws.commands.leaving import leave
from kws.commands.logs import log_to_stderr
from kws.commands.options import (
    confirm_options,
    delegate_option,
    engine_option,
    models_option,
    threshold_option,
)
from kws.delegates import Delegate

if TYPE_CHECKING:
    from kws.servers.wyoming import WyomingServer

DEFAULT_URI = "tcp://127.0.0.1:10400"


@click.command()
@click.option(
    "--uri", default=DEFAULT_URI, show_default=True, help="tcp://HOST:PORT, unix:///PATH or stdio://."
)
@models_option
@threshold_option
@confirm_options
@click.option("--recognizer", default="", metavar="MODEL", help="Also transcribe speech, by this recognizer.")
@click.option(
    "--grammar", default="", metavar="FILE", help="Sentences to listen for: .jsgf, or templates in .yaml."
)
@delegate_option
@engine_option
@click.option("--zeroconf", metavar="NAME", help="Announce it by this name, so that Home Assistant finds it.")
@click.option("--debug", is_flag=True, help="Log every client's comings and goings.")
def serve(
    uri: str,
    models: tuple[str, ...],
    threshold: float | None,
    confirm: str,
    confirm_threshold: float | None,
    recognizer: str,
    grammar: str,
    delegate: Delegate | None,
    zeroconf: str | None,
    debug: bool,
) -> None:
    """Hear for other programs, by the Wyoming protocol.

    No microphone is opened: audio comes from the clients, Home Assistant or a
    satellite, each of which is heard by itself. Until Ctrl-C or SIGTERM.
    """
    from kws.assembly import dictation_of, language_of, spotting_of
    from kws.config import Config
    from kws.config_keys import ModelSettings, SpeechSettings
    from kws.heap import keep_flat
    from kws.servers.ears import ModelEars
    from kws.servers.wyoming import WyomingServer

    keep_flat()
    log_to_stderr("debug" if debug else "info")
    library = str(delegate or "")
    wanted = tuple(ModelSettings(name, threshold, library, confirm, confirm_threshold) for name in models)
    speech = SpeechSettings(recognizer, grammar, delegate=library)
    engine_of(
        Config(model=wanted, speech=speech)
    )  # what is wrong shows now, and LiteRT's greeting is kept quiet
    ears = ModelEars(spotting_of(lambda: wanted), dictation_of(speech), language_of(speech))
    server = WyomingServer(uri, ears)
    asyncio.run(_serve(server, zeroconf))
    leave(["a client's engine"] if server.busy else [])


async def _serve(server: WyomingServer, name: str | None) -> None:
    if server.uri == "stdio://":
        # The package closes what it writes to, and standard output is not ours to close.
        with os.fdopen(os.dup(1), "wb") as output, contextlib.redirect_stdout(output):  # type: ignore[type-var]
            await server.run()
        return
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, stopping.set)
    await server.start()
    async with _announced(server.uri, name, stopping):
        click.echo(f"kws: serving at {server.uri}", err=True)
        await stopping.wait()
    await server.stop()


@contextlib.asynccontextmanager
async def _announced(uri: str, name: str | None, stopping: asyncio.Event) -> AsyncIterator[None]:
    """By that name, if there is one, as long as the block lasts; a name takes seconds to be found free."""
    if not name:
        yield
        return
    from kws.servers.announcement import Announcement

    announcement = Announcement(uri, name)
    starting, stopped = asyncio.create_task(announcement.start()), asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if starting.done():
        starting.result()  # or what went wrong
    starting.cancel()
    yield
    await announcement.stop()

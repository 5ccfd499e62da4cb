"""`kws daemon`: listen for months."""

from __future__ import annotations

import click

from kws.commands.engines import engine_of
from kws.commands.leaving import leave
from kws.commands.logs import log_to_stderr
from kws.commands.options import engine_option


@click.command()
@click.option("--config", "-c", "path", type=click.Path(), help="TOML file (see docs/daemon.md).")
@engine_option
def daemon(path: str | None) -> None:
    """Listen for months, hand on what is heard.

    Without --config: the default microphone, the bundled wake word "computer",
    events on standard output. SIGTERM and Ctrl-C stop it within a second,
    SIGHUP lets it read its configuration again.
    """
    from kws.config import load_config
    from kws.heap import keep_flat
    from kws.recording import END_SECONDS, STOP_SECONDS, Recorder
    from kws.servers.beside import Servers
    from kws.service import Service

    keep_flat()
    config = load_config(path)
    log_to_stderr(config.daemon.log_level)
    service = Service(config, build=engine_of, reread=lambda: load_config(path))
    recorder = Recorder(config.recording, commands=lambda: bool(service.config.speech.recognizer))
    servers = Servers(service, recorder)
    service.handle_signals()
    service.run(sinks=[recorder, *servers.sinks], taps=[recorder.tap, *servers.taps])
    recorder.close(STOP_SECONDS if service.stopped else END_SECONDS)
    servers.close()
    leave([*service.outlets.hanging, *servers.hanging])

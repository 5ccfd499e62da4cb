"""`kws config`: check a configuration, list its keys."""

from __future__ import annotations

import click


@click.group()
def config() -> None:
    """Check the daemon's configuration, list its keys."""


@config.command()
@click.argument("file", type=click.Path())
def check(file: str) -> None:
    """Say whether FILE is a configuration that the daemon can run.

    Keys, values and models are checked, and whether the programs of command sinks are there; no device, file
    or connection is opened, nothing is run. The first thing that is wrong is named, and the exit code is 2.
    """
    from kws.commands.engines import engine_of
    from kws.config import check_sinks, load_config

    settings = load_config(file)
    check_sinks(settings, file)
    engine_of(settings)
    models = ", ".join(model.name for model in settings.model)
    sinks = ", ".join(sink.settings.uri for sink in settings.sink)
    click.echo(f"{file}: good: {settings.audio.source} through {models} to {sinks}")


@config.command()
def keys() -> None:
    """List every key, as a Markdown table."""
    from kws.config import documented

    click.echo("| key | default | allowed | meaning |\n|---|---|---|---|")
    for key in documented():
        default = f"`{key.default}`" if key.default else ""
        click.echo(f"| `{key.name}` | {default} | {key.allowed} | {key.meaning} |")

"""`kws devices`: the microphones to choose from."""

from __future__ import annotations

import click

from kws.commands.table import print_table


@click.command()
def devices() -> None:
    """List the microphones.

    Index, name, channels, rate and the sound system each is reached through; * marks the default.
    """
    from kws.sources.microphone import list_devices

    found = list_devices()
    rows = [(d.index, "*" if d.is_default else "", d.name, d.channels, d.rate, d.api) for d in found]
    print_table(("index", "", "name", "channels", "rate", "through"), rows)
    if not found:
        click.echo("kws: this system has no microphone; plug one in", err=True)

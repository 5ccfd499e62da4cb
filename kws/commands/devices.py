"""`kws devices`: the microphones to choose from."""

from __future__ import annotations

import click

from kws.commands.table import print_table


@click.command()
def devices() -> None:
    """List the microphones.

    Index, name, channels and rate; * marks the default.
    """
    from kws.sources.microphone import list_devices

    rows = [
        (device.index, "*" if device.is_default else "", device.name, device.channels, round(device.rate))
        for device in list_devices()
    ]
    print_table(("index", "", "name", "channels", "rate"), rows)

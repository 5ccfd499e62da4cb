"""`kws run` and `kws listen`: audio in, events out as JSON lines."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import click

from kws.cli import BAD_INPUT, report
from kws.commands.budget import Budget
from kws.commands.options import (
    check_raw_format,
    delegate_option,
    engine_option,
    models_option,
    threshold_options,
)
from kws.commands.speech import Speech, engine_for, speech_options
from kws.errors import SourceError


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@models_option
@threshold_options
@speech_options
@delegate_option
@engine_option
@click.option("--rate", type=int, help="Sample rate of raw PCM on standard input.  [default: 16000]")
@click.option("--channels", type=int, help="Channels of raw PCM on standard input.  [default: 1]")
def run(
    files: tuple[str, ...],
    models: tuple[str, ...],
    threshold: float | Budget | None,
    rate: int | None,
    channels: int | None,
    **speech: Any,
) -> int:
    """Print what is heard in recordings, one JSON event a line.

    FILES may be WAV, FLAC, Ogg, MP3 and more, of any rate and channel count.
    "-" reads raw PCM from standard input: signed 16-bit little-endian. Each file is a stream of its own;
    one that cannot be read is reported, and the others are still heard.

    With a recognizer as --model all speech is transcribed, by --grammar if there is one; with --wake and
    --then, one command after each wake word.
    """
    from kws.daemon import listen as hear
    from kws.sinks import open_sink
    from kws.sources import open_source

    check_raw_format(files, rate, channels)
    engine = engine_for(models, threshold, Speech(**speech))
    sink = open_sink("-")
    code = 0
    for file in files:
        try:
            hear(open_source(file, rate=rate, channels=channels), engine, [sink])
        except SourceError as error:
            report(error)
            code = BAD_INPUT
    return code


@click.command()
@models_option
@threshold_options
@speech_options
@delegate_option
@engine_option
@click.option("--device", default="", help="Index or part of the name of a microphone (see kws devices).")
def listen(models: tuple[str, ...], threshold: float | Budget | None, device: str, **speech: Any) -> None:
    """Print what a microphone hears, one JSON event a line.

    Until Ctrl-C or SIGTERM. A microphone that goes away is reported and opened again when it is back.
    """
    from kws.daemon import listen as hear
    from kws.heap import keep_flat
    from kws.sinks import open_sink
    from kws.sources import open_source

    keep_flat()
    signal.signal(signal.SIGTERM, _stop)
    try:
        hear(open_source(f"mic:{device}"), engine_for(models, threshold, Speech(**speech)), [open_sink("-")])
    except KeyboardInterrupt:
        click.echo("kws: stopped", err=True)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

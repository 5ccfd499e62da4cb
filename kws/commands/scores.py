"""`kws scores`: the score track of a recording, as a file of arrays."""

from __future__ import annotations

import click

from kws.commands.options import DEFAULT_MODEL, delegate_option, engine_option, load_engine
from kws.delegates import Delegate
from kws.errors import KwsError


@click.command()
@click.argument("file")
@click.option(
    "--model", "-m", default=DEFAULT_MODEL, show_default=True, help="Bundled name or path of a model."
)
@click.option(
    "--out", "-o", required=True, metavar="S.npz", help="Where to write the arrays `time` and `score`."
)
@delegate_option
@engine_option
def scores(file: str, model: str, out: str, delegate: Delegate | None) -> None:
    """Write the score at every step of a recording.

    It is the smoothed score, which the detector compares with its threshold.

    `time` is the end of each step in seconds (float64); `score` (float32) has one number a step, or one row
    a step where the model has several labels.
    """
    from kws.scoring import score_track
    from kws.sources import open_source

    wake_word = load_engine((model,), delegate=delegate).wake_words[0]
    with open_source(file) as blocks:
        track = score_track(blocks, wake_word)
    try:
        track.save(out)
    except OSError as error:
        raise KwsError(f"{out}: cannot be written ({error.strerror}); name another file") from error

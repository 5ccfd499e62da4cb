"""Other speech by real people, for machines without recordings: as the encoder hears it, coarsely.

    python -m training.heads.background

makes the file, from recordings under KWS_DATA that may be published. It holds embeddings, from which no
speech can be made, and the texts, by which what holds a wake word is left out.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from kws.frontends import MICRO_EMBEDDING, SPEECH_EMBEDDING, row_format
from kws.types import Rows
from training.data.manifest import Clip
from training.heads.grid import Grid, grid_of
from training.material.embedded import Embedded, Take, embed
from training.material.ingredients import SPOKEN, trainable
from training.material.noises import made_noises

FILES = {
    SPEECH_EMBEDDING: Path(__file__).with_name("background.npz"),
    MICRO_EMBEDDING: Path(__file__).with_name("background_micro.npz"),
}
"""Of each encoder."""
NOISES = 200
"""Of training.material.noises, which words are laid over as well where there are no recordings of noise."""

_SEED = 11


@dataclass(frozen=True, eq=False)
class Background:
    """As `Embedded`, and what is said."""

    rows: Rows
    """int8, shape (t, 96)."""
    owner: npt.NDArray[np.int32]
    """Index of the text that was heard last, shape (t,)."""
    first: npt.NDArray[np.bool_]
    """Where a stream begins, shape (t,)."""
    texts: list[str]
    """In lower case; empty for noise."""
    corpora: list[str]
    """Where each text's recording came from."""
    grid: Grid
    """For other rows too, so that a word differs from other speech in nothing else."""


def read_background(path: Path | None = None, encoder: str = SPEECH_EMBEDDING) -> Background:
    """What the package brings for an encoder.

    Raises:
        KwsError: the file is not there, or was made for another encoder.
    """
    path = path or FILES[encoder]
    try:
        with np.load(path) as stored:
            if str(stored["encoder"]) != row_format(encoder).digest:
                again = f"python -m training.heads.background --encoder {encoder}"
                raise KwsError(f"{path}: made for another encoder; run {again}")
            codes = np.frombuffer(lzma.decompress(stored["codes"].tobytes()), np.int8)
            lines = lzma.decompress(stored["texts"].tobytes()).decode().split("\n")
            owner = np.repeat(stored["owner"], stored["owned"])
            first = np.zeros(len(owner), bool)
            first[stored["starts"]] = True
            grid = Grid(**{part.name: stored[part.name] for part in fields(Grid)})
    except (OSError, KeyError, ValueError, lzma.LZMAError) as error:
        raise KwsError(f"{path}: not readable ({error}); install kws with its package data") from error
    rows = grid.rows(codes.reshape(len(grid.mean), -1).T)
    corpora, texts = zip(*(line.split("\t") for line in lines), strict=True)
    return Background(rows, owner, first, list(texts), list(corpora), grid)


def write_background(
    path: Path, heard: Embedded, clips: Sequence[Clip], encoder: str = SPEECH_EMBEDDING
) -> None:
    """Quantize and compress; `heard.owner` counts the clips."""
    grid = grid_of(heard.rows)
    changes = np.flatnonzero(np.diff(heard.owner, prepend=-1) != 0)
    lines = "\n".join(f"{clip.corpus}\t{' '.join(clip.label.lower().split())}" for clip in clips)
    np.savez(
        path,
        encoder=np.array(row_format(encoder).digest),
        codes=_bytes(lzma.compress(np.ascontiguousarray(grid.codes(heard.rows).T).tobytes(), preset=6)),
        texts=_bytes(lzma.compress(lines.encode())),
        **vars(grid),
        owner=heard.owner[changes],
        owned=np.diff(changes, append=len(heard.owner)),
        starts=np.flatnonzero(heard.first),
    )


def _bytes(content: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


@click.command()
@click.option("--hours", default=9.0, show_default=True, help="Of speech and gaps, at most.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
@click.option("--encoder", type=click.Choice(list(FILES)), default=SPEECH_EMBEDDING, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: in the package.")
def main(hours: float, cache: Path, encoder: str, output: Path | None) -> None:
    """Make the file from recordings that may be published."""
    clips = [clip for clip in trainable() if clip.kind in (*SPOKEN, "noise")]
    order = np.random.default_rng(_SEED).permutation(len(clips))
    seconds = np.cumsum([clips[n].seconds + 0.8 for n in order])  # 0.8: the mean gap
    chosen = [clips[n] for n in order[: np.searchsorted(seconds, 3600 * hours)]]
    takes, noises = [Take(clip.path) for clip in chosen], made_noises(NOISES, seed=_SEED)
    heard = embed(takes, noises, seed=_SEED, cache=cache, encoder=encoder)
    path = output or FILES[encoder]
    write_background(path, heard, chosen, encoder)
    click.echo(f"{path}: {len(chosen)} recordings, {len(heard.rows) * 0.08 / 3600:.2f} h")


if __name__ == "__main__":
    main()

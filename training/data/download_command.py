"""The subcommand `kws download`: public corpora, noises and voices, with sizes and licences shown first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from kws.commands.table import print_table
from kws.errors import KwsError
from training.data.catalogue import PublicSource, RemoteFile, read_catalogue
from training.data.download import fetch
from training.data.unpack import is_archive, unpack


@click.command()
@click.argument("names", nargs=-1, metavar="[NAMES]...")
@click.option(
    "-d",
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--unpack/--no-unpack", "unpacks", default=True, show_default=True, help="Unpack archives.")
def download(names: tuple[str, ...], directory: Path, yes: bool, unpacks: bool) -> None:
    """Download public data; without NAMES, list what there is.

    What broke off goes on where it stopped. Each source comes into a folder of its name in the directory.
    """
    catalogue = read_catalogue()
    sources = [_named(catalogue, name) for name in names] or list(catalogue.values())
    print_table(
        ("name", "MB", "licence", "version", "what"),
        [(s.name, s.megabytes, s.licence, s.version, s.title) for s in sources],
    )
    if not names:
        return
    total = sum(source.megabytes for source in sources)
    if not yes:
        click.confirm(f"Download {total} MB to {directory}?", abort=True, err=True)
    for source in sources:
        _bring(source, directory / source.name, unpacks)


def _named(catalogue: dict[str, PublicSource], name: str) -> PublicSource:
    if name not in catalogue:
        raise KwsError(f"download: {name} is not in the catalogue; there are {', '.join(catalogue)}")
    return catalogue[name]


def _bring(source: PublicSource, folder: Path, unpacks: bool) -> None:
    paths = [_fetch_with_bar(file, folder) for file in source.files]
    for path in _archives(paths) if unpacks else ():
        unpack(path, folder)
        click.echo(f"kws: unpacked {path}", err=True)
    if source.layout:
        click.echo(f"kws: next: kws data {source.layout} {folder} -o {folder}/manifest.tsv", err=True)


def _archives(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if is_archive(path)]


def _fetch_with_bar(file: RemoteFile, folder: Path) -> Path:
    with click.progressbar(length=file.megabytes * 10**6, label=file.filename, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total or bar.length
            bar.update(done - bar.pos)

        path = fetch(file, folder, progress=show)
    known = "checked" if file.sha256 else "recorded only: nobody vouches for a digest"
    click.echo(f"kws: {path}: SHA-256 {known}", err=True)
    return path

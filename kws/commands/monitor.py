"""`kws monitor`: a running daemon, in the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click

from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.monitor import View

DEFAULT_URL = "http://127.0.0.1:10480"
TIMEOUT_SECONDS = 30
"""A daemon gives a sign of life more often."""
CLEAR, HOME, CLEAR_LINE = "\x1b[2J", "\x1b[H", "\x1b[K"


@click.command()
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the daemon's page is.")
@click.option("--token-file", default="", help="File with its token.")
def monitor(url: str, token_file: str) -> None:
    """Watch a running daemon: level, scores, events.

    Where standard output is no terminal, events alone, one JSON object a line.
    Until Ctrl-C.
    """
    from kws.monitor import View, messages
    from kws.sinks.secret import read_secret

    token = read_secret(token_file)
    url = url.rstrip("/")  # as a browser's address line has it
    view = View(*_labels(url, token))
    on_terminal = sys.stdout.isatty()
    if on_terminal:
        click.echo(CLEAR, nl=False)
    with _opened(f"{url}/live" if on_terminal else f"{url}/events", token) as stream:
        for kind, content in messages(_lines(url, stream)):
            if kind == "models":
                view.listen_for(*_labels(url, token))
            elif on_terminal:
                view.take(kind, content, datetime.now())
                _draw(view)
            else:
                click.echo(json.dumps(content, ensure_ascii=False))
    raise KwsError(f"{url}: the daemon has ended the connection; is it still running?")


def _labels(url: str, token: str) -> tuple[list[str], list[float]]:
    """Names and thresholds, one of each for each score."""
    with _opened(f"{url}/models", token) as answer:
        models: list[dict[str, Any]] = json.load(answer)
    labels = [(label, model["threshold"]) for model in models for label in model["labels"]]
    return [name for name, _ in labels], [threshold for _, threshold in labels]


def _draw(view: View) -> None:
    size = shutil.get_terminal_size()
    lines = view.lines(size.columns)[: size.lines - 1]
    empty = [""] * (size.lines - 1 - len(lines))
    click.echo(HOME + "\n".join(line + CLEAR_LINE for line in [*lines, *empty]), nl=False)


def _opened(address: str, token: str) -> HTTPResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer: HTTPResponse = urlopen(Request(address, headers=headers), timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        with error:
            remedy = "give --token-file" if error.code == 401 else "is that the daemon's address?"
            raise KwsError(f"{address}: answered {error.code} {error.reason}; {remedy}") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise KwsError(f"{address}: no daemon answers ({reason}); start kws daemon, or give --url") from error
    return answer


def _lines(url: str, stream: HTTPResponse) -> Iterator[str]:
    try:
        for line in stream:
            yield line.decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        raise KwsError(f"{url}: the connection is lost ({error}); is the daemon still running?") from error

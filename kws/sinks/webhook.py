"""An HTTP POST per event, its JSON as the body: `https://example.org/hook`."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice, RefusedError, UnavailableError
from kws.sinks.secret import read_secret

TRY_AGAIN = {408, 425, 429}
"""Client errors that are of the moment; those of the server, 500 and above, all are."""


@dataclass(frozen=True)
class Options:
    """How the server is spoken to."""

    timeout_seconds: float = setting(5.0, "how long the server may be silent", least=0.1, most=300)
    token_file: str = setting("", 'file whose first line is sent as "Authorization: Bearer ..."')


class Webhook:
    """A DaemonSink that posts."""

    def __init__(self, url: str, options: Options, token: str) -> None:
        self._url = url
        self._timeout = options.timeout_seconds
        self._headers = {"Content-Type": "application/json", "User-Agent": "kws"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        # Redirects are refused: urllib would make a GET of them, and hand the token to another server.
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Post it; OSError or UnavailableError if the server is away or busy, else RefusedError."""
        if self._closed:
            raise ValueError("this sink is closed")
        request = urllib.request.Request(self._url, notice.to_json().encode(), self._headers, method="POST")
        try:
            self._opener.open(request, timeout=self._timeout).close()
        except HTTPError as error:
            error.close()
            busy = error.code in TRY_AGAIN or error.code >= 500
            raise (UnavailableError if busy else RefusedError)(
                f"answered {error.code} {error.reason}"
            ) from error
        except URLError as error:
            # What happened, not how urllib quotes it.
            raise error.reason if isinstance(error.reason, OSError) else error from error
        except HTTPException as error:
            raise UnavailableError(f"did not answer in HTTP ({type(error).__name__})") from error

    def close(self) -> None:
        """Nothing is held back."""
        self._closed = True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


def open_uri(uri: str, options: Options) -> Webhook:
    """Nothing is connected yet; raises KwsError for what is no URL or a token that cannot be read."""
    if problem := uri_problem(uri):
        raise KwsError(f"{uri}: names no server; write it as {problem}")
    return Webhook(uri, options, read_secret(options.token_file))


def uri_problem(uri: str) -> str:
    """How it is written, if this has no host, or a port that cannot be one."""
    try:
        parts = urlsplit(uri)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return "" if usable else "https://HOST/PATH"

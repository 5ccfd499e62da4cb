"""Who may look: on loopback whoever asks for it by a loopback name, elsewhere whoever shows the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from kws.addresses import is_loopback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "kws_token"
OPEN = {"/healthz"}
"""What needs no token: it tells no more than that the daemon lives."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Stands before every request.

    With a token it wants it in the header Authorization, in the cookie, or once in the address
    (`/?token=...`), which sets the cookie. Without one it refuses names that are not loopback's, so that no
    page on the web reaches us by a name of its own (DNS rebinding). What changes something needs the
    header X-KWS besides, which no other page's form can send.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let it through or refuse it: aiohttp's middleware."""
        if request.path not in OPEN:
            self._check(request)
        if request.method not in ("GET", "HEAD") and "X-KWS" not in request.headers:
            raise web.HTTPForbidden(text="the header X-KWS is missing")
        if self._token and hmac.compare_digest(_as_bytes(request.query.get("token", "")), self._token):
            return self._remembered(request)
        return await handler(request)

    def _check(self, request: web.Request) -> None:
        if not self._token:
            host = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
            if not is_loopback(host):
                raise web.HTTPForbidden(text="ask for it as 127.0.0.1 or localhost")
        elif not any(hmac.compare_digest(shown, self._token) for shown in _shown(request)):
            raise web.HTTPUnauthorized(text="show the token", headers={"WWW-Authenticate": "Bearer"})

    def _remembered(self, request: web.Request) -> web.StreamResponse:
        """The same address without the token, which must not stay in the browser's history."""
        response = web.Response(status=303, headers={"Location": request.path})
        response.set_cookie(COOKIE, request.query["token"], httponly=True, samesite="Strict", path="/")
        return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """For every answer, streams too."""
    response.headers.update(HEADERS)


def _shown(request: web.Request) -> list[bytes]:
    """Whatever was shown as a token, in all three places."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    bearer = value.strip() if scheme.lower() == "bearer" else ""
    texts = (bearer, request.cookies.get(COOKIE, ""), request.query.get("token", ""))
    return [_as_bytes(text) for text in texts]


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _has_port(host: str) -> bool:
    """Whether "[::1]:80" or "localhost:80", not "[::1]" or "localhost"."""
    return ":" in host and not host.endswith("]")

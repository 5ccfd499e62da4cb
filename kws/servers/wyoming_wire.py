"""Wyoming events off a stream, by strangers: every length limited, every half message given up in time.

The form (one line of JSON, then `data_length` bytes of JSON, then `payload_length` bytes) is that of the
package wyoming, whose own reader takes any length and waits for ever.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from kws.errors import KwsError


class WireError(KwsError):
    """The other side does not speak Wyoming, or too much of it at once."""


@dataclass(frozen=True)
class Limits:
    """What a client may do."""

    data_bytes: int = 64 * 1024
    payload_bytes: int = 1024 * 1024
    """Half a minute of 16 kHz audio."""
    message_seconds: float = 10.0
    """From the first byte of a message to its last."""
    write_seconds: float = 10.0
    """For a client to take what it is sent."""
    connections: int = 256


async def read_event(reader: asyncio.StreamReader, limits: Limits) -> Event | None:
    """The next event, waited for however long its first byte takes; None when the client has left.

    Raises:
        WireError: what comes is no event, too large, or stops half-way.
    """
    first = await reader.read(1)
    if not first:
        return None
    # Not wait_for, which before Python 3.12 makes a task for each message.
    late = asyncio.TimeoutError()
    timer = asyncio.get_running_loop().call_later(limits.message_seconds, reader.set_exception, late)
    try:
        return await _rest(first, reader, limits)
    except asyncio.IncompleteReadError as error:
        raise WireError("the client left in the middle of a message") from error
    except asyncio.TimeoutError as error:
        raise WireError(f"a message was not complete after {limits.message_seconds:g} s") from error
    finally:
        timer.cancel()


async def _rest(first: bytes, reader: asyncio.StreamReader, limits: Limits) -> Event:
    try:
        line = first if first == b"\n" else first + await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:  # asyncio's own limit, 64 KiB
        raise WireError("a header has no end") from error
    header = _object(line, "a header")
    kind = header.get("type")
    if not isinstance(kind, str):
        raise WireError("a header has no type")
    data = header.get("data") or {}
    if not isinstance(data, dict):
        raise WireError("the data of a header is no object")
    length = _length(header, "data_length", limits.data_bytes)
    if length:
        data = {**data, **_object(await reader.readexactly(length), "data")}
    length = _length(header, "payload_length", limits.payload_bytes)
    payload = await reader.readexactly(length) if length else None
    return Event(type=kind, data=data, payload=payload)


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
        if b"\\u" in text:  # half a surrogate pair could not be written into an answer
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise WireError(f"{what} is no JSON") from error
    if not isinstance(value, dict):
        raise WireError(f"{what} is no JSON object")
    return value


def _length(header: dict[str, Any], name: str, most: int) -> int:
    length = header.get(name) or 0
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= most:
        raise WireError(f"{name} is not from 0 to {most}")
    return length

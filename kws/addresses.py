"""HOST:PORT, as the configuration has it."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches that address; names other than localhost are taken for public."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def split_address(address: str) -> tuple[str, int]:
    """("127.0.0.1", 10480) of "127.0.0.1:10480"; ValueError if it is none."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(address)
    return host.strip("[]"), int(port)


def address_problem(text: str) -> str:
    """What is allowed if this is no address, "" if it is one or says nowhere."""
    try:
        if text:
            split_address(text)
    except ValueError:
        return 'HOST:PORT, for example "127.0.0.1:10480", or ""'
    return ""

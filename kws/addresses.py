"""HOST:PORT, as the configuration has it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


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


def group_problem(text: str) -> str:
    """The same for an IPv4 multicast group."""
    try:
        good = not text or ipaddress.IPv4Address(split_address(text)[0]).is_multicast
    except ValueError:
        good = False
    return "" if good else 'an IPv4 multicast group, for example "239.255.75.87:10481", or ""'


def interface_problem(text: str) -> str:
    """The same for the address of one of this computer's networks."""
    try:
        if text:
            ipaddress.IPv4Address(text)
    except ValueError:
        return 'an IPv4 address, for example "192.168.1.20", or ""'
    return ""


def service_problem(text: str) -> str:
    """The same for a server of Wyoming."""
    good = not text or is_service(text)
    return "" if good else '"tcp://HOST:PORT", for example "tcp://127.0.0.1:10400", "unix:///PATH", or ""'


def is_service(uri: str) -> bool:
    """Whether it is tcp://HOST:PORT or unix:///PATH."""
    try:
        parts = urlsplit(uri)
        port = parts.port  # ValueError for what is no port
    except ValueError:
        return False
    if parts.scheme == "tcp":
        return bool(parts.hostname) and port is not None
    return parts.scheme == "unix" and bool(parts.path) and not parts.netloc

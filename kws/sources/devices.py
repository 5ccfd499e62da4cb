"""Microphones as PortAudio lists them, and how a user names one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kws.errors import SourceError


@dataclass(frozen=True)
class Device:
    """Something that can be recorded from."""

    index: int
    """PortAudio's number; it changes as devices come and go."""
    name: str
    channels: int
    """Most it can capture."""
    rate: int
    """Its default, hertz."""
    is_default: bool = False
    """Whether the system records from it when nothing is named."""
    api: str = ""
    """The host interface it is reached through: "ALSA", "Core Audio", "MME"."""


def find_device(devices: Sequence[Device], wanted: str) -> Device:
    """The device of that index, name or part of a name (in any case); "" is the default one.

    Windows lists one microphone under several host interfaces: among those of one name, the one of
    the default device's interface is taken.

    Raises:
        SourceError: none or several match; the text lists the devices.
    """
    if not wanted:
        found = [device for device in devices if device.is_default] or list(devices[:1])
    elif wanted.isdecimal():
        found = [device for device in devices if device.index == int(wanted)]
    else:
        found = _named(devices, wanted.lower())
    if len(found) == 1:
        return found[0]
    problem = "fits several microphones" if found else "no such microphone"
    asked = f"mic:{wanted}" if wanted else "mic"
    raise SourceError(f"{asked}: {problem}; {_choices(found or devices)}")


def find_again(devices: Sequence[Device], lost: Device, wanted: str) -> Device:
    """The device that was lost, or what now fits the user's words; indices may have shifted meanwhile.

    Raises:
        SourceError: it is not back.
    """
    same = [device for device in devices if (device.name, device.api) == (lost.name, lost.api)]
    if wanted and same:
        return min(same, key=lambda device: abs(device.index - lost.index))
    return find_device(devices, lost.name if wanted.isdecimal() else wanted)


def _named(devices: Sequence[Device], wanted: str) -> list[Device]:
    exact = [device for device in devices if device.name.lower() == wanted]
    found = exact or [device for device in devices if wanted in device.name.lower()]
    if len(found) > 1:
        preferred = {device.api for device in devices if device.is_default}
        found = [device for device in found if device.api in preferred] or found
    return found


def _choices(devices: Sequence[Device]) -> str:
    if not devices:
        return "this system has none, plug one in"
    return "choose one of " + ", ".join(f"{device.index} ({device.name})" for device in devices)

"""How a user names a microphone, and how a lost one is found again."""

from __future__ import annotations

import pytest

from kws.errors import SourceError
from kws.sources.devices import Device, find_again, find_device

BUILT_IN = Device(0, "HDA Intel PCH: ALC257 (hw:0,0)", 2, 44_100, api="ALSA")
USB = Device(4, "USB Audio Device: - (hw:1,0)", 1, 48_000, api="ALSA")
DEFAULT = Device(7, "default", 32, 44_100, is_default=True, api="ALSA")
LINUX = [BUILT_IN, USB, DEFAULT]

MME = Device(1, "Microphone (USB)", 1, 44_100, is_default=True, api="MME")
WASAPI = Device(9, "Microphone (USB)", 1, 48_000, api="Windows WASAPI")
WINDOWS = [MME, WASAPI]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", DEFAULT), ("4", USB), ("usb", USB), ("Audio dev", USB), ("DEFAULT", DEFAULT), ("alc257", BUILT_IN)],
)
def test_by_index_name_or_part_of_it(wanted: str, found: Device) -> None:
    assert find_device(LINUX, wanted) == found


def test_a_whole_name_wins_over_a_part() -> None:
    longer = Device(8, "default (second)", 1, 16_000)
    assert find_device([longer, *LINUX], "default") == DEFAULT


def test_without_a_default_the_first_is_taken() -> None:
    assert find_device([BUILT_IN, USB], "") == BUILT_IN


def test_one_microphone_under_several_host_interfaces() -> None:
    assert find_device(WINDOWS, "usb") == MME
    assert find_device(WINDOWS, "9") == WASAPI


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (
            "hw:",
            "mic:hw:: fits several microphones; choose one of "
            "0 (HDA Intel PCH: ALC257 (hw:0,0)), 4 (USB Audio Device: - (hw:1,0))",
        ),
        (
            "webcam",
            "mic:webcam: no such microphone; choose one of "
            "0 (HDA Intel PCH: ALC257 (hw:0,0)), 4 (USB Audio Device: - (hw:1,0)), 7 (default)",
        ),
        (
            "5",
            "mic:5: no such microphone; choose one of "
            "0 (HDA Intel PCH: ALC257 (hw:0,0)), 4 (USB Audio Device: - (hw:1,0)), 7 (default)",
        ),
    ],
)
def test_ambiguous_and_unknown_names_list_the_devices(wanted: str, error: str) -> None:
    with pytest.raises(SourceError) as raised:
        find_device(LINUX, wanted)
    assert str(raised.value) == error


@pytest.mark.parametrize("wanted", ["", "0", "usb"])
def test_a_system_without_microphones(wanted: str) -> None:
    with pytest.raises(SourceError, match="no such microphone; this system has none, plug one in"):
        find_device([], wanted)


def test_found_again_under_another_index() -> None:
    moved = Device(2, USB.name, 1, 48_000, api="ALSA")
    assert find_again([BUILT_IN, moved], USB, "usb") == moved
    assert find_again([BUILT_IN, moved], USB, "4") == moved


def test_of_two_equal_ones_the_nearest_index_is_taken() -> None:
    twin = Device(12, USB.name, 1, 48_000, api="ALSA")
    assert find_again([USB, twin], USB, "4") == USB
    assert find_again([USB, twin], twin, "12") == twin


def test_found_again_by_the_words_of_the_user_when_its_name_has_changed() -> None:
    renumbered = Device(4, "USB Audio Device: - (hw:2,0)", 1, 48_000, api="ALSA")
    assert find_again([BUILT_IN, renumbered], USB, "usb") == renumbered


def test_another_device_at_the_same_index_is_not_the_lost_one() -> None:
    other = Device(4, "Webcam", 1, 48_000, api="ALSA")
    with pytest.raises(SourceError):
        find_again([BUILT_IN, other], USB, "4")


def test_who_named_none_gets_the_default_of_now() -> None:
    now_default = Device(0, BUILT_IN.name, 2, 44_100, is_default=True, api="ALSA")
    assert find_again([now_default], DEFAULT, "") == now_default

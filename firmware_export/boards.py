"""Boards that a model may have to fit."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_export.errors import ExportError
from firmware_export.graph import Graph


@dataclass(frozen=True)
class Board:
    """What a microcontroller has."""

    name: str
    flash: int
    """Bytes for programs and constants."""
    ram: int
    """Bytes of internal memory."""


_K = 1024

BOARDS = {
    board.name: board
    for board in (
        Board("esp32", flash=4096 * _K, ram=320 * _K),
        Board("esp32-s3", flash=8192 * _K, ram=512 * _K),
        Board("nrf52840", flash=1024 * _K, ram=256 * _K),
        Board("rp2040", flash=2048 * _K, ram=264 * _K),
        Board("stm32f103", flash=64 * _K, ram=20 * _K),
        Board("stm32f407", flash=1024 * _K, ram=192 * _K),
        Board("stm32h743", flash=2048 * _K, ram=1024 * _K),
    )
}
"""By name."""


def check_fit(board: Board, graph: Graph, *, flash: int, ram: int) -> None:
    """Raises ExportError if a model needs more than the board has, stack and the rest of a program aside."""
    for what, needed, there in (("flash", flash, board.flash), ("RAM", ram, board.ram)):
        if needed > there:
            larger = [b.name for b in BOARDS.values() if b.flash >= flash and b.ram >= ram]
            raise ExportError(
                f"{board.name} has {there} bytes of {what}, the model needs {needed}{_largest(graph, what)}; "
                f"train a smaller one or take {' or '.join(larger) or 'a larger board'}"
            )


def _largest(graph: Graph, what: str) -> str:
    """The tensor that takes most of it: constants lie in flash."""
    sides = [(op, op.inputs if what == "flash" else op.outputs) for op in graph.ops]
    found = [
        (tensor.size, op.name, tensor)
        for op, tensors in sides
        for tensor in tensors
        if tensor is not None and (tensor.values is not None) == (what == "flash")
    ]
    if not found:
        return ""
    _, name, tensor = max(found, key=lambda one: one[0])
    return f" (most for {name}, {tensor})"

"""Where in the arena each buffer lies: those that are needed at the same time never overlap."""

from __future__ import annotations

from firmware_export.c99.program import Buffer, Program


def plan(program: Program) -> int:
    """Set every buffer's offset, largest first, each as low as it can lie; returns the arena's bytes.

    The greedy plan of Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference".
    """
    spans = _spans(program)
    placed: list[Buffer] = []
    for buffer in sorted(program.buffers, key=lambda b: -b.bytes):
        neighbours = sorted((b for b in placed if _meet(spans[b], spans[buffer])), key=lambda b: b.offset)
        buffer.offset = _lowest_gap(neighbours, buffer.bytes)
        placed.append(buffer)
    return max((buffer.offset + buffer.bytes for buffer in placed), default=0)


def _spans(program: Program) -> dict[Buffer, tuple[int, int]]:
    """First and last call that touches each buffer."""
    spans: dict[Buffer, tuple[int, int]] = {}
    for index, call in enumerate(program.calls):
        for buffer in call.touched:
            first, _ = spans.get(buffer, (index, index))
            spans[buffer] = (first, index)
    return spans | {buffer: (0, 0) for buffer in program.buffers if buffer not in spans}


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _lowest_gap(neighbours: list[Buffer], size: int) -> int:
    offset = 0
    for other in neighbours:
        if offset + size <= other.offset:
            break
        offset = max(offset, other.offset + other.bytes)
    return offset

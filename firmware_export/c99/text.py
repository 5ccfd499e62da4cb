"""C source text of arrays, structs and macros."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

GENERATED = "/* Made by kws export; do not edit. */"


def array(ctype: str, name: str, values: npt.NDArray[Any], *, static: bool) -> str:
    """A constant array, wrapped to lines; ValueError if a value does not fit its type."""
    info = np.iinfo(np.dtype(ctype.removesuffix("_t")))
    if values.min() < info.min or values.max() > info.max:
        raise ValueError(f"{name}: {values.min()} to {values.max()} do not fit {ctype}")
    numbers = ", ".join(_literal(int(value)) for value in values.ravel())
    body = "\n".join(textwrap.wrap(numbers, 108, initial_indent="    ", subsequent_indent="    "))
    return f"{'static ' * static}const {ctype} {name}[{values.size}] = {{\n{body},\n}};\n"


def struct(kind: str, name: str, members: Mapping[str, Any]) -> str:
    """A constant struct with named members."""
    return f"static const struct {kind} {name} = {_initializer(members, '')};\n"


def macros(values: Mapping[str, int | str]) -> str:
    """A #define a line."""
    return "".join(f"#define {name} {value}\n" for name, value in values.items())


def bytes_header(name: str, size: int) -> str:
    """The declaration of a C++ byte array."""
    guard = f"{name.upper()}_H"
    return (
        f"{GENERATED}\n#ifndef {guard}\n#define {guard}\n\n#include <cstdint>\n\n"
        f"extern const std::uint8_t {name}[{size}];\n\n#endif\n"
    )


def bytes_source(name: str, content: bytes) -> str:
    """The definition of a C++ byte array, aligned as flatbuffers want it."""
    lines = textwrap.wrap(", ".join(map(str, content)), 108, initial_indent="    ", subsequent_indent="    ")
    header = f'{GENERATED}\n#include "{name.removeprefix("kws_")}.h"\n\n'
    body = "\n".join(lines)
    return f"{header}alignas(16) const std::uint8_t {name}[{len(content)}] = {{\n{body},\n}};\n"


def string(text: str) -> str:
    """A C string literal of any text, in UTF-8."""
    plain = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{plain}"'


def _initializer(members: Mapping[str, Any], indent: str) -> str:
    inner = indent + "    "
    lines = [
        f"{inner}.{name} = {_initializer(value, inner) if isinstance(value, Mapping) else _member(value)},"
        for name, value in members.items()
    ]
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def _member(value: int | str) -> str:
    return value if isinstance(value, str) else _literal(value)


def _literal(value: int) -> str:
    # C reads -2147483648 as minus a number that int does not hold.
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)

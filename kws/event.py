"""What all events have in common. The events themselves: kws/events.py."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    type: ClassVar[str]
    """The value of `type` in JSON."""
    nested: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """Fields that hold more than plain values, and how they are read from JSON."""

    def to_json(self) -> str:
        """One line of JSON: `type` first, then the fields in their order; numbers to four decimals.

        A byte of a file's name that is no valid text is escaped, as in "caf\\udce9.flac", so the line is
        valid UTF-8 and gives the same name when read.
        """
        fields = {name: _rounded(value) for name, value in dataclasses.asdict(self).items()}
        line = json.dumps({"type": self.type, **fields}, ensure_ascii=False)
        return line.encode("utf-8", "backslashreplace").decode()

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Event:
        """From the fields as JSON has them; raises TypeError or ValueError for other fields."""
        return cls(
            **{
                name: cls.nested[name](value) if name in cls.nested else value
                for name, value in fields.items()
            }
        )


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value

"""The mark by which a model bundle names what its rows depend on."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from typing import Any

from kws.checksum import checksum


class Digested:
    """For dataclasses that hold everything some values depend on; those within them count as well."""

    @cached_property
    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 over all fields."""
        config: Any = self
        text = json.dumps(dataclasses.asdict(config), sort_keys=True)
        return checksum(text.encode())[:16]

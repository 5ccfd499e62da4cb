"""The Dockerfile as its stages and instructions, for tests that check it without a container engine."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Instruction:
    """One line, continued ones joined."""

    name: str
    """In capitals: "RUN"."""
    value: str
    """All after it."""

    @property
    def words(self) -> list[str]:
        """The value as the shell splits it, or as the JSON list that it is."""
        if self.value.startswith("["):
            words: list[str] = json.loads(self.value)
            return words
        return shlex.split(self.value)


@dataclass(frozen=True)
class Stage:
    """From one FROM up to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def only(self, name: str) -> Instruction:
        """The one instruction of that name."""
        (found,) = (instruction for instruction in self.instructions if instruction.name == name)
        return found


def read_stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """All stages, the one that is shipped last."""
    text = re.sub(r"(?m)^\s*#.*\n", "", path.read_text(encoding="utf-8"))
    stages: list[Stage] = []
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        name, _, value = line.partition(" ")
        if name == "FROM":
            base, _, alias = value.partition(" AS ")
            stages.append(Stage(base, alias))
        else:
            stages[-1].instructions.append(Instruction(name, value.strip()))
    return stages


def debian_packages(stages: list[Stage]) -> list[str]:
    """Those that any stage installs."""
    commands = [
        shlex.split(command)
        for stage in stages
        for instruction in stage.instructions
        if instruction.name == "RUN"
        for command in instruction.value.split("&&")
    ]
    installing = [words for words in commands if words[:2] == ["apt-get", "install"]]
    return [word for words in installing for word in words[2:] if not word.startswith("-")]

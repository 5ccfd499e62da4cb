"""One recording of calls and one model that hears one of them, for tests of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import community

import kws

MODEL = str(community.manifest("alexa"))
THRESHOLD = 0.3
"""Low enough for one detection in the recording below, by a model that is not ours to retrain."""
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
LISTEN = ["--model", MODEL, "--threshold", str(THRESHOLD)]


def events(output: str | bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]

"""A sink of one's own: run a program at each detection.

    python examples/own_sink.py mic: computer notify-send     # a notification at each "computer"
    python examples/own_sink.py speech.wav computer echo

The program gets the wake word and the event as JSON.
"""

import subprocess
import sys

import kws
from kws.daemon import listen
from kws.sinks.jsonl import JsonLines


class RunProgram:
    """A sink: anything with `emit` and `close`."""

    def __init__(self, program: str) -> None:
        self.program = program

    def emit(self, event: kws.Event) -> None:
        """Start the program and wait for it; audio waits meanwhile, so it should be quick."""
        if isinstance(event, kws.Detection):
            subprocess.run([self.program, event.name, event.to_json()], check=False)

    def close(self) -> None:
        """Nothing is held back."""


def main(uri: str, model: str, program: str) -> None:
    """Two sinks: the program, and JSON lines on standard error for the log."""
    listen(kws.open_source(uri), kws.load(model), [RunProgram(program), JsonLines(sys.stderr)])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except kws.KwsError as error:
        sys.exit(str(error))

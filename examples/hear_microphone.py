"""Listen to a microphone until Ctrl-C: python examples/hear_microphone.py [part of its name] [computer]

A microphone that is unplugged is waited for; what happened to it arrives among the events.
"""

import sys
from datetime import datetime

import kws
from kws.types import Source


def hear(source: Source, model: str) -> None:
    """Print what happens, with the time of day."""
    engine = kws.load(model)
    with source as blocks:
        for block in blocks:
            for event in engine.push(block):
                print(f"{datetime.now():%H:%M:%S} {describe(event)}", flush=True)


def describe(event: kws.Event) -> str:
    """A few words for each kind of event."""
    if isinstance(event, kws.Detection):
        return f"heard {event.name}, score {event.score:.2f}"
    if isinstance(event, kws.Gap):
        return f"lost {event.end - event.start:.2f} s of audio: {event.reason}"
    if isinstance(event, kws.SourceLost):
        return f"{event.source} is gone: {event.reason}"
    return f"{event.type}: {event.to_json()}"


def main(device: str = "", model: str = "computer") -> None:
    """Listen to the microphone of that name, or the default one."""
    hear(kws.open_source(f"mic:{device}"), model)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except kws.KwsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass

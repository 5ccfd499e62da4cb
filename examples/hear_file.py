"""Print when a wake word is said in a recording: python examples/hear_file.py speech.wav [computer]"""

import sys

import kws


def main(path: str, model: str = "computer") -> None:
    """One line for each detection."""
    engine = kws.load(model)
    with kws.open_source(path) as blocks:
        for block in blocks:
            for event in engine.push(block):
                if isinstance(event, kws.Detection):
                    print(f"{event.name} at {event.start:.2f} s, score {event.score:.2f}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except kws.KwsError as error:
        sys.exit(str(error))

"""The score of a wake word over time, as columns that any plotting program reads.

python examples/score_curve.py speech.wav computer > curve.csv
gnuplot -p -e "set datafile separator ','; plot 'curve.csv' using 1:2 with lines title 'score'"
"""

import sys

import kws
from kws.engine import WakeWord
from kws.scoring import score_track


def main(path: str, model: str = "computer") -> None:
    """Print time in seconds, score and threshold at every model step."""
    bundle = kws.find_bundle(model)
    with kws.open_source(path) as blocks:
        track = score_track(blocks, WakeWord(bundle))
    print("time,score,threshold")
    for time, score in zip(track.time, track.score, strict=True):
        print(f"{time:.3f},{score:.4f},{bundle.threshold}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except kws.KwsError as error:
        sys.exit(str(error))

"""Two hundred commands in one breath with the wake word, and the same with half a second between them.

Exit code 1 unless all of every command reached the recognizer where the wake word was heard.

python tests/verification/one_breath.py
"""

from __future__ import annotations

import sys

from training.understanding.one_breath import report, tried

COUNT, SEED = 200, 11


def main() -> int:
    """Print the counts for both gaps."""
    whole = True
    for gap in (0.5, 0.0):
        outcomes = tried(COUNT, gap, SEED)
        print(report(outcomes, gap) + "\n")
        woken = [outcome for outcome in outcomes if outcome.woke]
        whole &= all(outcome.whole for outcome in woken)
        cut = sum(not outcome.whole for outcome in woken)
        lost = sum(outcome.lost for outcome in woken)
    print(
        f"In one breath: {cut} of {len(woken)} commands reached the recognizer cut, {lost} lost a first word."
    )
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())

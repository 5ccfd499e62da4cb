"""Every reader of strangers' bytes under libFuzzer (package atheris): no crash, no hang, no growth.

The readers and their seeds stand in tests/fuzz_targets.py. Each is fed for some minutes with what reaches new
branches, within limits of time per input and of memory; then all that was found is read again and again, and
the memory in use must not grow. Exit code 1, with the input and what it did, if anything but an answer or a
proper refusal comes.

python tests/verification/fuzz.py [--minutes 12] [--keep FOLDER] [TARGET ...]
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz_targets import TARGETS, Target

FUZZER = Path(__file__).parent / "support" / "fuzzer.py"
MOST_SECONDS = 5.0
"""Of the processor for one input, slowed down by the instrumentation."""
PATIENCE = 300
"""Seconds after which an input hangs, if a library keeps the other limit from being noticed."""
MOST_MEMORY = 1_024
"""MB, of the fuzzer with its collection of inputs."""
LONGEST_INPUT = 4_096
"""Bytes."""
REPLAYED_INPUTS = 4_000
"""How many are read again, in whole passes, to see memory grow."""
LEAST_PASSES = 20
MOST_GROWTH = 1.0
"""MB, 10^6 bytes, over three quarters of these; one table that doubles, and never again, may take half."""


COUNTABLE = {**os.environ, "PYTHONMALLOC": "malloc"}
"""Python's own allocator keeps some of what it has freed, and so it would count as in use."""


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    inputs: int
    branches: int
    kept: int
    """Seeds, and inputs that reached something new."""
    passes: int
    """How often these were read again."""
    slowest: float
    """Seconds of the processor."""
    growth: float
    """MB."""


def fuzz(name: str, target: Target, seconds: int, folder: Path) -> Outcome:
    """Feed one target; SystemExit with the finding if there is one."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words.write_text("".join(f'"{escaped(word)}"\n' for word in target.words()), encoding="ascii")
    log = run_fuzzer(
        name,
        str(MOST_SECONDS),
        f"-max_total_time={seconds}",
        f"-timeout={PATIENCE}",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-max_len={LONGEST_INPUT}",
        f"-dict={words}",
        f"-artifact_prefix={folder}/found-",
        "-keep_seed=1",
        "-len_control=0",
        "-print_final_stats=1",
        "-seed=1",
        str(corpus),
    )
    kept = len(list(corpus.iterdir()))
    passes = max(LEAST_PASSES, REPLAYED_INPUTS // kept)
    return Outcome(
        inputs=int(last_number(r"number_of_executed_units: (\d+)", log)),
        branches=int(last_number(r"cov: (\d+)", log)),
        kept=kept,
        passes=passes,
        slowest=last_number(r"slowest: ([\d.]+)", log),
        growth=float(run_fuzzer(name, "replay", str(corpus), str(passes)).split()[-1]),
    )


def run_fuzzer(name: str, *options: str) -> str:
    """All that it wrote; SystemExit if it found something."""
    command = [sys.executable, str(FUZZER), name, *options]
    environment = COUNTABLE if options[0] == "replay" else None
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise SystemExit(f"{name}: a finding\n{log[-6_000:]}")
    return log


def escaped(word: str) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(
        chr(byte) if chr(byte).isalnum() else f"\\x{byte:02x}" for byte in word.encode("utf-8", "replace")
    )


def last_number(pattern: str, log: str) -> float:
    """Of those that the log holds, 0 if it holds none."""
    return float((re.findall(pattern, log) or ["0"])[-1])


@click.command()
@click.option("--minutes", default=12.0, show_default=True, help="For each target.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for inputs and findings.")
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
def main(minutes: float, keep: Path | None, names: tuple[str, ...]) -> None:
    """Print what was tried; the last line sums it up."""
    if not find_spec("atheris"):
        raise SystemExit("atheris is missing; pip install '.[verify]', on Linux and x86-64")
    outcomes = []
    with kept_or_temporary(keep) as folder:
        for name in names or TARGETS:
            outcome = fuzz(name, TARGETS[name], round(60 * minutes), folder / name)
            outcomes.append(outcome)
            print(
                f"{name}: {outcome.inputs} inputs in {minutes:g} min, {outcome.branches} branches, "
                f"slowest {max(outcome.slowest, 0.1):.1f} s; {outcome.kept} inputs read again "
                f"{outcome.passes} times: memory grew by {outcome.growth:.2f} MB",
                flush=True,
            )
    tried, worst = sum(outcome.inputs for outcome in outcomes), max(outcome.growth for outcome in outcomes)
    print(
        f"{len(outcomes)} readers, {tried} inputs: none crashed, or took over {MOST_SECONDS:g} s or "
        f"{MOST_MEMORY} MB; growth {worst:.2f} MB at most ({MOST_GROWTH:g} allowed)."
    )
    sys.exit(0 if worst <= MOST_GROWTH else 1)


@contextlib.contextmanager
def kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    """A folder for as long as the block, or one that stays."""
    if folder:
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


if __name__ == "__main__":
    main()

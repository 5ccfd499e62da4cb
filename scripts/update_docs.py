"""Write the outputs in the documents anew: in a `console` block, what stands below each line "$ kws ...", and
what stands between the lines "<!-- kws ... -->" and "<!-- end -->".

python scripts/update_docs.py             # rewrites the documents named below
python scripts/update_docs.py --check     # changes nothing, exit code 1 if an output is not true
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "cli.md", ROOT / "docs" / "daemon.md")
CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)

INSERTED = re.compile(r"(?<=^<!-- )(kws .*)( -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Bring every document up to date, or name those that are not."""
    check = "--check" in sys.argv
    stale = [path for path in DOCUMENTS if path.read_text(encoding="utf-8") != updated(path)]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'an output is not true' if check else 'outputs written anew'}")
        if not check:
            path.write_text(updated(path), encoding="utf-8")
    return 1 if check and stale else 0


def updated(path: Path) -> str:
    """The document with true outputs."""
    text = path.read_text(encoding="utf-8")
    text = CONSOLE.sub(lambda block: "".join(_replayed(block.group())), text)
    return INSERTED.sub(lambda block: block[1] + block[2] + "\n" + output(block[1]) + "\n", text)


def _replayed(block: str) -> Iterator[str]:
    for command in re.findall(r"^\$ (kws .*)$", block, re.MULTILINE):
        yield f"$ {command}\n{output(command)}"


def output(command: str) -> str:
    """Standard output of one command line, run at the top of the repository in a terminal 80 columns wide."""
    arguments = [sys.executable, "-m", *shlex.split(command)]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

"""Megabytes of an engine's memory that are files of one folder, such as shared libraries; Linux alone.

    python -I mapped.py ADAPTER MODEL FOLDER

loads the model as worker.py does and prints the resident size of all that is mapped from paths in which
FOLDER stands, 10^6 bytes. It is run by its path, in any environment.
"""

import importlib.util
import sys
from collections.abc import Iterable


def main() -> None:
    """Follow the command line."""
    adapter, model, folder = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("adapter", adapter)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded = module.load([model])
    with open("/proc/self/smaps", encoding="utf-8") as smaps:
        print(resident(smaps, folder) / 1e6)
    del loaded


def resident(smaps: Iterable[str], folder: str) -> int:
    """Bytes, by the lines of /proc/PID/smaps (proc(5))."""
    total, is_wanted = 0, False
    for line in smaps:
        name, *values = line.split()
        if not name.endswith(":"):  # the head of a mapping: addresses, ..., path
            is_wanted = folder in values[-1]
        elif name == "Rss:" and is_wanted:
            total += 1024 * int(values[0])
    return total


if __name__ == "__main__":
    main()

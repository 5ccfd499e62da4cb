"""`python -m kws`, the same as the command `kws`."""

import sys

from kws.cli import main

if __name__ == "__main__":
    sys.exit(main())

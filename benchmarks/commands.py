"""What commands that go on where they were ended have in common."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from robustune.errors import Mistake

INTERRUPTED: Final = 130


@contextmanager
def told() -> Iterator[None]:
    """Ends the command with one line, and the status of it, on a mistake or a Ctrl-C inside."""
    try:
        yield
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        sys.exit(mistake.exit_code)
    except KeyboardInterrupt:
        print("interrupted; start the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)


def count(text: str) -> int:
    """Reads a whole number above 0 for a parser of arguments."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)

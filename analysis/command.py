"""What the commands of this room have in common: paths on standard output, a mistake as one line and a status."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.evaluated import Damaged
from analysis.knobs import NotDrawable
from analysis.perturbed_images import ExamplesError
from analysis.schema import LedgerError
from analysis.wording import visible


def run(out: Path, write: Callable[[], Mapping[str, Path]]) -> int:
    """Prints the paths that `write` returns, or in one line what stood in its way; returns the exit status.

    The codes and their statuses are those of `docs/exit-codes.md`.

    Args:
        out: the folder that `write` writes into.
        write: what the command does.

    Returns:
        0; 2 for what cannot be drawn; 3 where files cannot be read or written.
    """
    try:
        paths = write()
    except NotDrawable as error:
        return _fail("OPTION_INVALID", str(error), 2)
    except ExamplesError as error:
        return _fail("CACHE_MISSING" if error.missing else "CACHE_CORRUPT", str(error), 3)
    except LedgerError as error:
        return _fail("STUDY_MISSING" if error.missing else "STATE_CORRUPT", str(error), 3)
    except Damaged as error:
        return _fail("RESULTS_UNWRITABLE", str(error), 3)
    except OSError as error:
        return _fail("RESULTS_UNWRITABLE", f"{out}: {error}; give another folder by --out", 3)
    for path in paths.values():
        print(path)
    return 0


def parser(module: str, description: str, example: str) -> argparse.ArgumentParser:
    """Returns a parser of `python -m module` whose help ends with an example."""
    command = f"python -m {module}"
    return argparse.ArgumentParser(prog=command, description=description, epilog=f"Example: {command} {example}")


def add_metrics(to: argparse.ArgumentParser, otherwise: str) -> None:
    """Adds the option `--metric`, which may come several times."""
    help_text = f"a recorded metric; may be given several times (default: {otherwise})"
    to.add_argument("--metric", action="append", default=[], metavar="NAME", help=help_text)


def add_trials(to: argparse.ArgumentParser) -> None:
    """Adds the option `--trial`, which may come several times, for a figure of evaluated segmentation trials."""
    help_text = (
        "an evaluated trial, whose number the files' names then end with; may be given several times (default: the "
        "best one without noise and the best one under it, by validation images)"
    )
    to.add_argument("--trial", action="append", type=int, default=[], metavar="N", help=help_text)


def at_least_one(text: str) -> int:
    """Returns a number of things as an argument says it.

    Raises:
        argparse.ArgumentTypeError: it is no whole number, or less than 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _fail(code: str, message: str, status: int) -> int:
    print(visible(f"{code}: {message}"), file=sys.stderr)
    return status

"""What the commands of this room have in common: paths on standard output, a mistake as one line and a status."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from analysis import sources
from analysis.compared import Incomparable
from analysis.evaluated import Damaged
from analysis.knobs import NotDrawable
from analysis.perturbed_images import ExamplesError
from analysis.records import Unreachable
from analysis.schema import LedgerError
from analysis.wording import visible

Draw = Callable[[list[Path], Path], Mapping[str, Path]]
"""Writes figures of the studies in these folders into another, and returns their paths by name."""


def draw(given: argparse.Namespace, write: Draw) -> int:
    """Draws the studies that `add_places` and the user named, and returns the exit status, as `run` does.

    Args:
        given: `places`, `study` and `out`.
        write: draws; a folder that was made for a Parquet file or for MLflow is gone afterwards.
    """
    out = given.out or sources.home(given.places[0])

    def written() -> Mapping[str, Path]:
        with ExitStack() as stack:
            return write([stack.enter_context(sources.opened(*place)) for place in named(given)], out)

    return run(out, written)


def drawn(
    arguments: Sequence[str] | None,
    module: str,
    description: str,
    example: str,
    write: Callable[[Path, Path], Mapping[str, Path]],
) -> int:
    """Draws the one study that the arguments name, where it is all that they say, and returns the exit status.

    Args:
        arguments: of the command line; None for those of this process.
        module: of the command.
        description: for its help.
        example: arguments that the help ends with.
        write: writes figures of the study in the first folder into the second one, and returns their paths by name.
    """
    to = parser(module, description, example)
    add_places(to)
    return draw(to.parse_args(arguments), lambda folders, out: write(folders[0], out))


def named(given: argparse.Namespace) -> list[tuple[str, str | None]]:
    """Returns each place with the study to take from it: MLflow holds several, and each that is named is one to draw.

    Args:
        given: `places` and `study`, as `add_places` adds them.
    """
    names: Sequence[str | None] = given.study or [None]
    return [(place, name) for place in given.places for name in (names if sources.is_tracking(place) else (None,))]


def run(out: Path, write: Callable[[], Mapping[str, Path]]) -> int:
    """Prints the paths that `write` returns, or in one line what stood in its way; returns the exit status.

    The codes and their statuses are those of `docs/exit-codes.md`.

    Args:
        out: the folder that `write` writes into.
        write: what the command does.

    Returns:
        0; 2 for what cannot be drawn; 3 where files cannot be read or written; 4 where MLflow does not answer.
    """
    try:
        paths = write()
    except Incomparable as error:
        return _fail("COMPARISON_UNFIT", str(error), 2)
    except NotDrawable as error:
        return _fail("OPTION_INVALID", str(error), 2)
    except ExamplesError as error:
        return _fail("CACHE_MISSING" if error.missing else "CACHE_CORRUPT", str(error), 3)
    except LedgerError as error:
        return _fail("STUDY_MISSING" if error.missing else "STATE_CORRUPT", str(error), 3)
    except Unreachable as error:
        return _fail("TRACKING_UNREACHABLE", str(error), 4)
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


def add_places(to: argparse.ArgumentParser, many: bool = False) -> None:
    """Adds where the study is recorded, which of several in MLflow it is, and where to write."""
    to.add_argument(
        "places",
        nargs="+" if many else 1,
        metavar="STUDY",
        help="a study's folder, a Parquet file of its trials as trials.parquet, or a tracking URI of MLflow",
    )
    to.add_argument(
        "--study",
        action="append",
        default=[],
        metavar="NAME",
        help="which study of a tracking URI, or the id of its parent run (default: the only one)",
    )
    to.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: where the study is; with MLflow, here)"
    )


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

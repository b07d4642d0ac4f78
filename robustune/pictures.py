"""Draws examples of sets into a folder of the user's."""

from collections.abc import Mapping
from pathlib import Path

from robustune.checks import unwritable
from robustune.errors import Mistake


def check_writable(out: Path) -> None:
    """Raises RESULTS_UNWRITABLE, before any work is done, where the folder of the pictures cannot be written."""
    if found := unwritable(out, "--out"):
        raise Mistake("RESULTS_UNWRITABLE", found[0])


def draw(examples: Mapping[str, Path], out: Path) -> list[Path]:
    """Draws each set's examples into a folder of its own below `out`, and returns the pictures.

    Args:
        examples: Arrow file of each set by the set's name, in which `/` becomes `-`.
        out: made if it is not there.

    Raises:
        Mistake: RESULTS_UNWRITABLE, or PREPARATION_FAILED where the images cannot be shown.
    """
    from analysis import examples as pictures  # late: it takes matplotlib along
    from analysis.perturbed_images import ExamplesError

    drawn: list[Path] = []
    for name, file in examples.items():
        folder = out.absolute() / name.replace("/", "-")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            drawn += pictures.draw(file, folder).values()
        except OSError as error:
            raise Mistake(
                "RESULTS_UNWRITABLE", f"--out {out}: the pictures cannot be written ({error}); name another folder"
            ) from error
        except ExamplesError as error:
            raise Mistake("PREPARATION_FAILED", f"{name}: {error}") from error
    return drawn

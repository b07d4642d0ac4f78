"""The steps that corrupt the images of a split, whatever they are scored by. Torch-free."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trainables.corruption_facts import ICE_SUFFIXES, SEVERITIES
from trainables.corruption_options import CorruptionOptions, size_complaint
from trainables.data import registry
from trainables.errors import TrainableError
from trainables.preparation import Step
from trainables.storage import is_uri

# Raise the number whenever the builder would make something else of the same arguments.
CORRUPTED_VERSION: Final = 1

VALIDATION: Final = "validation"
TEST: Final = "test"
_FROST: Final = "frost"


def corrupted_name(split: str, corruption: str) -> str:
    """The step that corrupts the images of a split."""
    return f"corrupted/{split}/{corruption}"


def severities_of(held: CorruptionOptions, split: str) -> list[int]:
    """Severities that the images of a split are corrupted at: validation images at the study's, others at all."""
    return sorted(held.corruption_severities) if split == VALIDATION else list(SEVERITIES)


def corruptions_in(steps: Sequence[Step], split: str) -> list[str]:
    """The corruptions that some of the steps make of the images of a split, in their order."""
    start = corrupted_name(split, "")
    return [step.name.removeprefix(start) for step in steps if step.name.startswith(start)]


def corrupted_steps(
    held: CorruptionOptions, split: str, names: Sequence[str], seed: int, images: int | None = None
) -> list[Step]:
    """What corrupts the images of a split, a step for each corruption.

    Args:
        held: options held by every trial.
        split: of the data.
        names: of the corruptions.
        seed: of the study.
        images: how many, the first ones; 0 takes all, None of validation images as many as the study says and else all.

    Raises:
        TrainableError: OPTION_INVALID, where the pictures of ice cannot be read.
    """
    if images is None:
        images = held.corruption_images if split == VALIDATION else 0
    return [_step(held, split, name, severities_of(held, split), images, seed) for name in names]


def check_size(data: str) -> None:
    """Refuses images that no corruption takes, where their size is known before they are built.

    Raises:
        TrainableError: DATA_INVALID.
    """
    shape = registry.facts(data).get("image_shape")
    if shape and (complaint := size_complaint(shape)):
        raise TrainableError("DATA_INVALID", f"{data}: {complaint}")


def ice_digest(folder: Path) -> str:
    """SHA-256 of the names and contents of a folder's pictures; other files change no image.

    Raises:
        OSError: there is no such folder, or a picture of it cannot be read.
        ValueError: no picture is in it.
    """
    whole = hashlib.sha256()
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ICE_SUFFIXES)
    if not paths:
        raise ValueError(f"no picture is in it; frost needs one at least ({', '.join(ICE_SUFFIXES)})")
    for path in paths:
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{len(path.name)} {path.name} {own}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _step(
    held: CorruptionOptions, split: str, corruption: str, severities: Sequence[int], images: int, seed: int
) -> Step:
    told, places = _ice(held.corruption_ice) if corruption == _FROST else ({"ice": ""}, {})
    arguments = {
        "split": split,
        "corruption": corruption,
        "severities": list(severities),
        "images": images,
        "constants": held.corruption_constants,
        "seed": seed,
        **told,
        "version": CORRUPTED_VERSION,
    }
    return Step(corrupted_name(split, corruption), "corrupted", arguments, ("data",), here=bool(places), places=places)


def _ice(named: str) -> tuple[dict[str, str], dict[str, str]]:
    """What tells the pictures, and where they lie."""
    if not named:
        return {"ice": ""}, {}
    folder = Path(named).absolute()
    if is_uri(named) or not folder.is_dir():
        raise TrainableError(
            "OPTION_INVALID", f"corruption_ice: {named!r} is no folder of this machine; name one with pictures of ice"
        )
    try:
        return {"ice": ice_digest(folder)}, {"ice": str(folder)}
    except OSError as error:
        raise TrainableError("OPTION_INVALID", f"corruption_ice: {folder} cannot be read ({error})") from error
    except ValueError as error:
        raise TrainableError("OPTION_INVALID", f"corruption_ice: {folder}: {error}") from error

"""Corrupts every picture in threads, one at a time each, and writes only whole files."""

import hashlib
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import torch
from PIL import Image
from torch import Tensor

from trainables.corrupting.output import begin, check_output, check_replaced, refusals, write
from trainables.corrupting.pictures import Pictures, checked, found
from trainables.corrupting.recipe import Cell, Recipe
from trainables.data.ingestion.placing import bombs_refused
from trainables.data.ingestion.trees import Unreadable
from trainables.errors import TrainableError
from trainables.perturbations.corruptions import Ice, corrupt, read_ice
from trainables.perturbations.corruptions.ice import procedural_ice
from trainables.seeds import derive

Progress = Callable[[str, int, int], None]
"""Told what is done, how many images of it are, and of how many."""

JPEG_QUALITY: Final = 85
"""As the published sets were stored."""
PNG_LEVEL: Final = 1
"""Pillow's usual 6 takes five times as long for a tenth less on the disk."""
_MOST_AHEAD: Final = 2
_FEW: Final = 8
"""With fewer pictures than this for each worker, the cells of a picture are spread over workers."""


@dataclass(frozen=True)
class Treatment:
    """What is done where things are in the way.

    Attributes:
        workers: threads.
        skip_unreadable: leave pictures out that cannot be corrupted, instead of refusing.
        overwrite: replace files of the output that are there.
        resume: keep them.
    """

    workers: int = 1
    skip_unreadable: bool = False
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes:
        pictures: how many were corrupted.
        written: files written.
        kept: files that were there and stayed.
        left_out: pictures that cannot be corrupted, with the reasons.
        others: files beside the pictures that are no images.
        seconds: that corrupting and writing took.
    """

    pictures: int
    written: int
    kept: int
    left_out: Sequence[tuple[str, str]]
    others: int
    seconds: float


def make(path: Path, out: Path, recipe: Recipe, treatment: Treatment, progress: Progress) -> Made:
    """Writes each picture under each corruption and severity as OUT/CORRUPTION/SEVERITY/its/own/path.

    A file is a function of the picture's pixels, its relative path and the recipe alone. Beside each folder of
    pictures, OUT/CORRUPTION/SEVERITY.json says how they were made. Nothing is written before all pictures and all of
    the output have been looked at, and an interrupt leaves whole files only.

    Args:
        path: an image, or a folder that is searched with all below it.
        out: folder of the output, made where there is none.
        recipe: what is made.
        treatment: of what is in the way.
        progress: told how far it is.

    Raises:
        TrainableError: OPTION_INVALID, DATA_INVALID, IMAGES_UNREADABLE; FILES_EXIST where files of the output are
            there; RESULTS_UNWRITABLE where the disk refuses.
    """
    if treatment.overwrite and treatment.resume:
        raise TrainableError("OPTION_INVALID", "--overwrite replaces files and --resume keeps them; give one of them")
    ice, digest = _ice(recipe)
    with bombs_refused(), refusals(out):
        return _make(found(path, out, recipe), out, recipe, ice, digest, treatment, progress)


def seed_of(recipe: Recipe, cell: Cell, name: str) -> int:
    """The seed of one picture under one corruption and severity; no other picture changes it."""
    return derive(recipe.seed, cell.corruption, cell.severity, name)


def _make(
    pictures: Pictures,
    out: Path,
    recipe: Recipe,
    ice: Ice | None,
    digest: str | None,
    treatment: Treatment,
    progress: Progress,
) -> Made:
    total = len(pictures.names)
    if treatment.overwrite:
        check_replaced(out, pictures.names, recipe, digest)
    else:
        check_output(out, pictures.names, recipe, digest, treatment.resume)
    names, left_out = checked(
        pictures,
        recipe.size,
        treatment.workers,
        treatment.skip_unreadable,
        lambda done: progress("checking", done, total),
    )
    for cell in recipe.cells:
        begin(out, cell, recipe.note(cell, digest), treatment.overwrite)
    started = time.perf_counter()
    written = _Maker(pictures, out, recipe, ice, treatment).run(names, progress)
    kept = len(names) * len(recipe.cells) - written
    return Made(len(names), written, kept, left_out, pictures.others, time.perf_counter() - started)


class _Maker:
    """Makes files of pictures, each in one thread."""

    def __init__(self, pictures: Pictures, out: Path, recipe: Recipe, ice: Ice | None, treatment: Treatment) -> None:
        self._pictures = pictures
        self._out = out
        self._recipe = recipe
        self._ice = ice
        self._treatment = treatment
        self._ended = threading.Event()

    def run(self, names: Sequence[str], progress: Progress) -> int:
        """Makes all files of these pictures and returns how many it wrote; a few pictures are held at a time."""
        cells, workers = self._recipe.cells, self._treatment.workers
        parts = [cells] if len(names) >= _FEW * workers else [(cell,) for cell in cells]
        total, done, written = len(names) * len(cells), 0, 0
        waiting: deque[tuple[Sequence[Cell], Future[int]]] = deque()

        def take(part: Sequence[Cell], future: Future[int]) -> None:
            nonlocal done, written
            written += future.result()
            done += len(part)
            progress("corrupting", done, total)

        with _one_thread_each(), ThreadPoolExecutor(workers, thread_name_prefix="corrupting") as pool:
            try:
                for name in names:
                    for part in parts:
                        if len(waiting) > _MOST_AHEAD * workers:
                            take(*waiting.popleft())
                        waiting.append((part, pool.submit(self._make, name, part)))
                for each in waiting:
                    take(*each)
            finally:
                self._ended.set()
                pool.shutdown(cancel_futures=True)
        return written

    def _make(self, name: str, cells: Sequence[Cell]) -> int:
        """Writes a picture under some corruptions and severities, and returns under how many of them."""
        wanted = [cell for cell in cells if not (self._treatment.resume and self._target(name, cell).exists())]
        if not wanted:
            return 0
        try:
            pixels = self._pictures.pixels(name, self._recipe.size)
        except Unreadable as error:
            raise TrainableError(
                "IMAGES_UNREADABLE", f"{self._pictures.tree.where}: {name} {error}; it was readable a moment ago"
            ) from error
        # Copied: decoders may hand out what cannot be written, of which torch warns.
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
        for cell in wanted:
            if self._ended.is_set():
                break
            write(self._target(name, cell), self._stored(self._corrupted(image, name, cell)))
        return len(wanted)

    def _corrupted(self, image: Tensor, name: str, cell: Cell) -> Tensor:
        # Alone: in a batch, float arithmetic may move a value by a grey level, and neighbours would decide.
        seed = torch.tensor([seed_of(self._recipe, cell, name)])
        return corrupt(image, cell.corruption, cell.severity, seed, self._recipe.constants, self._ice)[0]

    def _stored(self, image: Tensor) -> bytes:
        pixels = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
        stream = BytesIO()
        if self._recipe.format == "jpeg":
            pixels.save(stream, "JPEG", quality=JPEG_QUALITY)
        else:
            pixels.save(stream, "PNG", compress_level=PNG_LEVEL, compress_type=zlib.Z_RLE)
        return stream.getvalue()

    def _target(self, name: str, cell: Cell) -> Path:
        return self._out / cell.folder / self._recipe.target(name)


def _ice(recipe: Recipe) -> tuple[Ice | None, str | None]:
    """The user's pictures of ice and the digest of their pixels."""
    if recipe.ice is None:
        if any(cell.corruption == "frost" for cell in recipe.cells):
            procedural_ice()  # made once, not by each thread at the same time
        return None, None
    try:
        ice = read_ice(recipe.ice)
    except ValueError as error:
        raise TrainableError("OPTION_INVALID", f"--ice {error}") from error
    hashed = hashlib.sha256()
    for picture in ice.pictures:
        hashed.update(repr(tuple(picture.shape)).encode() + picture.numpy().tobytes())
    return ice, hashed.hexdigest()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Leaves the CPUs to our own threads; besides, how torch divides its work may move a value by a grey level."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""Small real images, and the official layouts made of them."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.io
from PIL import Image

from trainables.data.images import ImageSet, read_images
from trainables.data.ingestion.adding import Added, Choices, add
from trainables.data.ingestion.division import SPLITS
from trainables.data.ingestion.pixels import LINEAGE_BYTES, lineage_name
from trainables.data.soundness import check_data
from trainables.errors import TrainableError

Pixels = npt.NDArray[np.uint8]
Add = Callable[..., Added]


def picture(number: int, side: int = 16) -> Pixels:
    """A smooth image of its own, (side, side, 3), that JPEG keeps apart from every other."""
    generator = np.random.default_rng(number)
    waves = generator.uniform(0.5, 3, (3, 2))
    places = np.linspace(0, np.pi, side)
    turned = np.sin(waves[:, :1, None] * places[None, :, None] + waves[:, 1:, None] * places[None, None, :])
    shift, height = generator.uniform(60, 190, (3, 1, 1)), generator.uniform(20, 60, (3, 1, 1))
    return np.clip(shift + turned * height, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def encoded(pixels: Any, kind: str = "JPEG", **options: Any) -> bytes:
    """A file's bytes, of an array or of a Pillow image."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def palette(values: Any) -> bytes:
    """A mask's PNG whose values are indices of colours."""
    image = Image.fromarray(values).convert("L")
    image.putpalette([(31 * place) % 256 for place in range(768)])
    return encoded(image, "PNG")


def matlab(values: Any) -> bytes:
    """A mask's file as SBD has it."""
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"GTcls": {"Boundaries": np.zeros((2, 2)), "Segmentation": values}}, do_compression=True)
    return stream.getvalue()


def written(root: Path, files: Mapping[str, bytes]) -> Path:
    """The folder, with those files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def class_files(classes: Mapping[str, int], start: int = 0, suffix: str = "JPEG") -> dict[str, bytes]:
    """That many different images in a folder for each class."""
    numbers = iter(range(start, start + sum(classes.values())))
    kind = {"JPEG": "JPEG", "jpg": "JPEG", "png": "PNG"}[suffix]
    return {
        f"{name}/{number}.{suffix}": encoded(picture(number), kind)
        for name, count in classes.items()
        for number in [next(numbers) for _ in range(count)]
    }


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    """The files as an archive, of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    mode: Any = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def rgb(content: bytes) -> Any:
    """What Pillow makes of a file's bytes."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def lineage_of(content: bytes) -> str:
    """The lineage of a file's image."""
    return lineage_name(hashlib.sha256(rgb(content).tobytes()).digest()[:LINEAGE_BYTES])


def splits(path: Path) -> dict[str, ImageSet]:
    """The four splits of an entry that keeps to the laws of data sets."""
    check_data(path)
    return {split: read_images(path / f"{split}.arrow") for split in SPLITS}


def counts(added: Added) -> list[int]:
    """Images of each split."""
    return [added.facts["counts"][split] for split in SPLITS]


def complained(adding: Add, layout: str, path: Path, *told: str, code: str = "DATA_INVALID", **choices: Any) -> None:
    """Holds a refusal to its law: the code, and in one line where and what."""
    with pytest.raises(TrainableError) as caught:
        adding(layout, path, **choices)
    assert caught.value.code == code
    for part in told:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


class Making:
    """What tests make their files with."""

    picture = staticmethod(picture)
    encoded = staticmethod(encoded)
    palette = staticmethod(palette)
    matlab = staticmethod(matlab)
    written = staticmethod(written)
    class_files = staticmethod(class_files)
    below = staticmethod(below)
    packed = staticmethod(packed)
    rgb = staticmethod(rgb)
    lineage_of = staticmethod(lineage_of)
    splits = staticmethod(splits)
    counts = staticmethod(counts)
    complained = staticmethod(complained)


@pytest.fixture(scope="session")
def making() -> type[Making]:
    return Making


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def adding(library: Path) -> Iterator[Add]:
    """Adds to an own library; keywords are those of `Choices`, with two workers."""

    def run(layout: str, path: Path, name: str = "mine", into: Path | None = None, **choices: Any) -> Added:
        return add(layout, path, name, Choices(**{"workers": 2, **choices}), into or library, lambda *_: None)

    return run

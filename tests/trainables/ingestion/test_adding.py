"""What adding promises: one digest for the same images, nothing half done, and a clear refusal with counts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import library as libraries
from trainables.data.images import read_images, write_images
from trainables.data.ingestion import adding as adding_module
from trainables.data.ingestion import placing
from trainables.data.ingestion.adding import Choices, add
from trainables.data.ingestion.pixels import moments
from trainables.data.ingestion.writing import write_rows
from trainables.errors import TrainableError

CLASSES = {"cat": 12, "dog": 12, "emu": 12}


@pytest.fixture(scope="module")
def photos(making: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = making.written(tmp_path_factory.mktemp("photos") / "photos", making.class_files(CLASSES))
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


def test_the_digest_depends_on_the_images_alone(making: Any, adding: Any, photos: Path, tmp_path: Path) -> None:
    one = adding("image-folder", photos, into=tmp_path / "one", workers=1)
    many = adding("image-folder", photos, into=tmp_path / "many", name="other", workers=5)
    files = {path.relative_to(photos).as_posix(): path.read_bytes() for path in photos.rglob("*.JPEG")}
    renamed = {f"{name.split('/')[0]}/{9999 - at}.jpg": files[name] for at, name in enumerate(sorted(files))}
    moved = adding("image-folder", making.written(tmp_path / "x", renamed), into=tmp_path / "moved")
    packed = adding("image-folder", making.packed(tmp_path / "y.zip", files), into=tmp_path / "packed", name="zip")
    for other in (many, moved, packed):
        assert other.record.digest == one.record.digest
        assert files_of(other.path) == files_of(one.path)


def test_another_choice_or_image_is_another_digest(making: Any, adding: Any, photos: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(photos, tmp_path / "copy"))
    (copy / "cat" / "0.JPEG").write_bytes(making.encoded(making.picture(777)))
    digests = [
        adding("image-folder", photos).record.digest,
        adding("image-folder", photos, name="flips", flips_keep_labels=False).record.digest,
        adding("image-folder", photos, name="shares", shares={"test": 0.2}).record.digest,
        adding("image-folder", photos, name="classes", classes=("cat", "emu")).record.digest,
        adding("image-folder", photos, name="size", size=8).record.digest,
        adding("image-folder", copy, name="copy").record.digest,
    ]
    assert len(set(digests)) == len(digests)


def test_what_is_stored_are_the_decoded_pixels_with_their_class(making: Any, adding: Any, photos: Path) -> None:
    added = adding("image-folder", photos)
    stored = {}
    for each in making.splits(added.path).values():
        assert list(each.lineage) == sorted(each.lineage)
        for image, label, lineage in zip(each.images, each.labels.tolist(), each.lineage, strict=True):
            stored[lineage] = (image.permute(1, 2, 0).numpy(), added.facts["classes"][label])
    assert len(stored) == sum(CLASSES.values())
    for path in photos.rglob("*.JPEG"):
        pixels, name = stored[making.lineage_of(path.read_bytes())]
        assert np.array_equal(pixels, making.rgb(path.read_bytes()))
        assert name == path.parent.name


def test_facts_are_those_of_the_training_images(adding: Any, photos: Path) -> None:
    added = adding("image-folder", photos)
    facts = json.loads((added.path / "data.json").read_text())
    pixels = read_images(added.path / "train.arrow").images.double() / 255
    assert facts["mean"] == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-6)
    assert facts["std"] == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-6)
    assert facts["image_shape"] == [3, 16, 16]
    assert facts["flips_keep_labels"] is True
    assert facts["counts"] == {"train": 27, "validation": 3, "test": 3, "holdout": 3}
    assert added.facts == facts


@pytest.mark.parametrize("shape", [(3, 3, 5, 7), (2, 3, 2, 256), (2, 1, 2, 300), (1, 3, 1, 1)])
def test_moments_are_exact_also_at_their_largest(shape: tuple[int, ...]) -> None:
    for pixels in (np.full(shape, 255, np.uint8), np.random.default_rng(0).integers(0, 256, shape, np.uint8)):
        sums, squares = moments(pixels)
        assert np.array_equal(sums, pixels.astype(np.int64).sum((2, 3)))
        assert np.array_equal(squares, (pixels.astype(np.int64) ** 2).sum((2, 3)))


@pytest.mark.parametrize("rows", [[0], [2, 1, 0], [5, 5], list(range(40))])
@pytest.mark.parametrize("shape", [(3, 4, 6), (1, 1, 1)])
def test_rows_are_written_as_write_images_writes_them(tmp_path: Path, rows: list[int], shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, *shape), np.uint8)
    labels, lineage = [row % 3 for row in rows], [f"é{row}" for row in rows]
    write_rows(tmp_path / "one", pixels, rows, labels, lineage, lambda _: None, row=rows)
    write_images(tmp_path / "two", torch.from_numpy(pixels[rows]), torch.tensor(labels), lineage, row=rows)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert torch.equal(read_images(tmp_path / "one").images, torch.from_numpy(pixels[rows]))


# Twins


def test_twins_are_kept_together_and_never_train_beside_a_held_out_one(
    making: Any, adding: Any, tmp_path: Path
) -> None:
    train, val = making.class_files({"cat": 6, "dog": 6}), making.class_files({"cat": 8, "dog": 8}, start=50)
    twin = making.encoded(making.rgb(next(iter(val.values()))), "PNG")  # other bytes, the same pixels
    train |= {"cat/twin.png": twin, "dog/twin.png": twin, "cat/again.JPEG": train["cat/0.JPEG"]}
    files = {**making.below("train", train), **making.below("val", val)}
    added = adding("image-folder", making.written(tmp_path / "x", files))
    assert added.facts["twins_left_out"] == 2
    assert added.facts["in_two_classes"] == 1
    assert added.facts["counts"]["train"] == 13
    assert added.facts["sources"]["train"] == 12
    assert making.splits(added.path)


# Sizes


def test_images_of_several_sizes_are_refused_with_their_counts(making: Any, adding: Any, tmp_path: Path) -> None:
    files = making.class_files({"cat": 6, "dog": 6})
    for number, (width, height) in enumerate([(20, 10)] * 3 + [(30, 10)] * 2 + [(10, 20)]):
        pixels = making.picture(90 + number, 30)[:height, :width]
        files[f"cat/odd{number}.JPEG"] = making.encoded(pixels)
    path = making.written(tmp_path / "x", files)
    told = ("images of 4 sizes", "16x16 (12), 20x10 (3), 30x10 (2) and 1 other sizes", "--size N")
    making.complained(adding, "image-folder", path, *told)
    added = adding("image-folder", path, size=12)
    assert added.facts["image_shape"] == [3, 12, 12]
    assert sum(making.counts(added)) == 18


def test_images_need_not_be_square(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {
        f"{name}/{n}.png": making.encoded(making.picture(n + 50 * (name == "b"))[:10], "PNG")
        for name in "ab"
        for n in range(5)
    }
    assert adding("image-folder", making.written(tmp_path / "x", files)).facts["image_shape"] == [3, 10, 16]


# Unreadable images


@pytest.fixture
def damaged(making: Any, tmp_path: Path) -> Path:
    """Two classes of ten readable images and seven that are not: cut, empty, bombs, no images, a pipe."""
    files = making.class_files({"cat": 10, "dog": 10})
    files |= {f"cat/cut{n}.JPEG": making.encoded(making.picture(200 + n, 64))[: -200 * (n + 1)] for n in range(3)}
    files |= {"dog/empty.png": b"", "dog/text.gif": b"GIF89a", "dog/\udcff.jpg": b"\xff\xd8\xff"}
    root: Path = making.written(tmp_path / "damaged", files)
    os.mkfifo(root / "dog" / "pipe.jpg")
    return root


def test_unreadable_images_are_refused_and_all_are_named(
    making: Any, adding: Any, damaged: Path, library: Path
) -> None:
    listing = library / "mine.unreadable.txt"
    making.complained(
        adding, "image-folder", damaged, "7 of 27", "cat/cut0.JPEG", str(listing), code="IMAGES_UNREADABLE"
    )
    named = [json.loads(line.split("\t")[0]) for line in listing.read_text().splitlines()]
    assert sorted(named) == sorted(
        [
            "cat/cut0.JPEG",
            "cat/cut1.JPEG",
            "cat/cut2.JPEG",
            "dog/empty.png",
            "dog/pipe.jpg",
            "dog/text.gif",
            "dog/\udcff.jpg",
        ]
    )
    assert libraries.names(library) == []


def test_unreadable_images_are_left_out_where_asked_and_named(adding: Any, damaged: Path, library: Path) -> None:
    with pytest.raises(TrainableError):
        adding("image-folder", damaged)
    added = adding("image-folder", damaged, skip_unreadable=True)
    assert sum(added.facts["counts"].values()) == 20
    assert len(added.facts["unreadable"]) == 7
    assert all(reason for _, reason in added.facts["unreadable"])
    assert not list(library.glob("*.txt"))


def test_nothing_readable_is_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {f"{name}/{number}.jpg": b"" for name in ("cat", "dog") for number in range(5)}
    making.complained(adding, "image-folder", making.written(tmp_path / "x", files), "none of 10 images")


def test_a_class_whose_images_are_all_equal_cannot_be_divided(making: Any, adding: Any, tmp_path: Path) -> None:
    files = making.class_files({"cat": 5}) | {
        f"dog/{n}.png": making.encoded(making.picture(99), "PNG") for n in range(5)
    }
    told = ("1 of 2 classes", "dog (train 0, validation 5, test 0, holdout 0)", "equal images")
    making.complained(adding, "image-folder", making.written(tmp_path / "x", files), *told)


def test_a_channel_that_is_constant_is_not_divided_by_zero(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {
        f"{name}/{n}.png": making.encoded(making.picture(n + 50 * (name == "b")) * np.array([1, 1, 0], np.uint8), "PNG")
        for name in "ab"
        for n in range(5)
    }
    facts = adding("image-folder", making.written(tmp_path / "x", files)).facts
    assert (facts["mean"][2], facts["std"][2]) == (0.0, 1.0)


# Names, and what is there already


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../evil",
        "/abs",
        "a/b",
        "nul\0",
        "x" * 300,
        "-rf",
        ".hidden",
        "<script>",
        "=cmd()",
        "a\u202eb",
        "\x1b[31m",
        "embedded-digits",
    ],
)
def test_a_name_that_is_not_safe_is_refused_before_anything_is_read(
    making: Any, adding: Any, tmp_path: Path, library: Path, name: str
) -> None:
    making.complained(adding, "image-folder", tmp_path / "nowhere", "name", name=name, code="OPTION_INVALID")
    assert not library.exists()


@pytest.mark.parametrize("choices", [{"size": 0}, {"size": 99_999}, {"workers": 0}])
def test_choices_that_cannot_be_are_refused(making: Any, adding: Any, photos: Path, choices: dict[str, int]) -> None:
    making.complained(adding, "image-folder", photos, *choices, code="OPTION_INVALID", **choices)


def test_an_unknown_format_is_refused_with_the_known_ones(making: Any, adding: Any, photos: Path) -> None:
    making.complained(adding, "voc", photos, "'voc'", "cifar100", code="OPTION_INVALID")


def test_adding_the_same_twice_changes_nothing_and_another_is_refused(
    making: Any, adding: Any, photos: Path, library: Path
) -> None:
    first = adding("image-folder", photos)
    before = {path: path.stat().st_mtime_ns for path in library.rglob("*") if path.is_file()}
    again = adding("image-folder", photos)
    assert (first.already, again.already) == (False, True)
    assert {path: path.stat().st_mtime_ns for path in library.rglob("*") if path.is_file()} == before
    told = (first.record.digest[:12], "--name", "data remove mine")
    making.complained(adding, "image-folder", photos, *told, code="DATA_EXISTS", classes=("cat", "dog"))
    assert {path: path.stat().st_mtime_ns for path in library.rglob("*") if path.is_file()} == before


def test_adding_again_mends_what_was_damaged(adding: Any, photos: Path) -> None:
    added = adding("image-folder", photos)
    content = (added.path / "train.arrow").read_bytes()
    (added.path / "train.arrow").write_bytes(content[:-9] + b"x" * 9)
    assert adding("image-folder", photos).already
    assert (added.path / "train.arrow").read_bytes() == content


def test_nothing_stays_behind_where_adding_fails(
    adding: Any, photos: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(adding_module, "write_splits", fail)
    with pytest.raises(KeyboardInterrupt):
        adding("image-folder", photos)
    assert [path for path in library.rglob("*") if path.is_file()] == []


def test_a_library_that_cannot_be_written_is_named(making: Any, adding: Any, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (Path("/proc/library"), tmp_path / "file", tmp_path / "file" / "below"):
        making.complained(
            adding, "image-folder", photos, str(place), "ROBUSTUNE_DATA", code="CACHE_UNWRITABLE", into=place
        )


def test_a_disk_without_room_is_named_before_it_is_filled(
    making: Any, adding: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    making.complained(adding, "image-folder", photos, "36 images", "--size", code="CACHE_UNWRITABLE")


def test_progress_reaches_the_end_of_both_stages(photos: Path, library: Path) -> None:
    told: list[tuple[str, int, int]] = []
    add("image-folder", photos, "mine", Choices(), library, lambda *step: told.append(step))
    assert [step for step in told if step[1] == step[2]] == [("reading", 36, 36), ("writing", 36, 36)]
    assert told == sorted(told)


def test_adding_needs_no_torch(photos: Path, library: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from trainables.data.ingestion.adding import Choices, add\n"
        "add('image-folder', Path(sys.argv[1]), 'mine', Choices(), Path(sys.argv[2]), lambda *_: None)\n"
        "assert not {'torch', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(photos), str(library)], check=True)


MEMORY = """
import re, sys, threading
from pathlib import Path
from trainables.data.ingestion.adding import Choices, add

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

before, peak, ended = anonymous(), 0.0, threading.Event()

def watch():
    global peak
    while not ended.wait(0.002):
        peak = max(peak, anonymous())

watcher = threading.Thread(target=watch)
watcher.start()
add("image-folder", Path(sys.argv[1]), "mine", Choices(workers=2), Path(sys.argv[2]), lambda *_: None)
ended.set()
watcher.join()
print(peak - before)
"""


def test_memory_holds_a_small_part_of_a_set(library: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "large" / name).mkdir(parents=True)
        for number in range(250):
            pixels = generator.integers(0, 256, (256, 256, 3), np.uint8)
            (tmp_path / "large" / name / f"{number}.ppm").write_bytes(b"P6 256 256 255\n" + pixels.tobytes())
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "large"), str(library)]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    megabytes = 500 * 256 * 256 * 3 / 2**20
    assert grown < megabytes / 2

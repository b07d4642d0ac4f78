"""ImageNet-C and Tiny-ImageNet-C as published: read from folders, groups and archives; what lacks is listed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.corruption_overlaps import EXTRA, FIFTEEN, GROUPS
from trainables.data import library as libraries
from trainables.data.images import read_images
from trainables.data.ingestion.class_folders import ANIMALS
from trainables.data.local import LocalRoot

Files = dict[str, bytes]
IDS = ("n01443537", "n01484850", "n02927161")
SOURCES = [f"{wordnet}/ILSVRC2012_val_{number:08}.JPEG" for wordnet in IDS for number in (7, 40)]
COUNT = len(SOURCES)


@pytest.fixture(scope="module")
def cells(making: Any) -> Callable[..., Files]:
    """Files of corruptions at all severities, of the two images of each class; every file is an image of its own."""

    def made(names: Any, ids: Any = IDS, severities: Any = range(1, 6)) -> Files:
        files = {}
        for corruption in names:
            for level in severities:
                for source in SOURCES:
                    if source.split("/")[0] in ids:
                        number = 1000 * (*FIFTEEN, *EXTRA).index(corruption) + 100 * level + SOURCES.index(source)
                        files[f"{corruption}/{level}/{source}"] = making.encoded(making.picture(number, 8))
        return files

    return made


@pytest.fixture(scope="module")
def fifteen(cells: Any) -> Files:
    files: Files = cells(FIFTEEN)
    return files


@pytest.fixture
def whole(making: Any, fifteen: Files, tmp_path: Path) -> Path:
    root: Path = making.written(tmp_path / "whole", fifteen)
    return root


def test_every_image_lies_under_its_corruption_and_severity_with_its_class(
    making: Any, adding: Any, whole: Path, fifteen: Files
) -> None:
    added = adding("imagenet-c", whole)
    facts = json.loads((added.path / "data.json").read_text())
    assert facts == added.facts
    assert facts["kind"] == added.record.kind == "corrupted"
    assert facts["corruptions"] == list(FIFTEEN)
    assert facts["classes"] == ["goldfish", "great white shark", "n02927161"]
    assert facts["class_ids"] == list(IDS)
    assert (facts["images"], facts["counts"], facts["image_shape"]) == (COUNT, [2, 2, 2], [3, 8, 8])
    assert facts["constants"] == facts["format"] == "imagenet-c"
    assert {path.stem for path in added.path.glob("*.arrow")} == set(FIFTEEN)
    for corruption in FIFTEEN:
        images = read_images(added.path / f"{corruption}.arrow")
        assert images.columns["severity"].to_pylist() == [level for level in range(1, 6) for _ in SOURCES]
        assert list(images.lineage) == SOURCES * 5
        assert images.labels.tolist() == [0, 0, 1, 1, 2, 2] * 5
        for row, level in enumerate(images.columns["severity"].to_pylist()):
            stored = images.images[row].permute(1, 2, 0).numpy()
            assert np.array_equal(stored, making.rgb(fifteen[f"{corruption}/{level}/{SOURCES[row % COUNT]}"]))


def test_it_is_the_same_set_however_it_is_unpacked(
    making: Any, adding: Any, whole: Path, cells: Any, fifteen: Files, tmp_path: Path
) -> None:
    digest = adding("imagenet-c", whole, workers=1).record.digest
    groups = {f"{group}/{name}": content for group, content, name in _by_group(fifteen)}
    ways = {
        "groups": making.written(tmp_path / "groups", groups),
        "around": making.written(tmp_path / "around", making.below("ImageNet-C", groups)),
        "one": making.packed(tmp_path / "imagenet-c.tar", making.below("ImageNet-C", fifteen)),
        "several": tmp_path / "several",
    }
    ways["several"].mkdir()
    for group in list(GROUPS)[:4]:
        suffix = ".tar.gz" if group == "blur" else ".tar"
        files = {name: content for each, content, name in _by_group(fifteen) if each == group}
        if group == "weather":  # unpacked already
            making.written(ways["several"] / "weather", files)
        else:
            making.packed(ways["several"] / f"{group}{suffix}", files)
    for name, path in ways.items():
        assert adding("imagenet-c", path, name=name).record.digest == digest, name


def _by_group(files: Files) -> list[tuple[str, bytes, str]]:
    groups = {corruption: group for group, names in GROUPS.items() for corruption in names}
    return [(groups[name.split("/")[0]], content, name) for name, content in files.items()]


def test_extra_corruptions_are_taken_where_they_are_there(making: Any, adding: Any, cells: Any, whole: Path) -> None:
    making.written(whole / "extra", cells(("spatter", "saturate")))
    assert adding("imagenet-c", whole).facts["corruptions"] == [*FIFTEEN, "spatter", "saturate"]
    few = adding("imagenet-c", whole, name="few", corruptions=("saturate", "fog"))
    assert few.facts["corruptions"] == ["fog", "saturate"]


@pytest.mark.parametrize("classes", [("n01484850", "n01443537"), ("goldfish", "great white shark")])
def test_classes_are_chosen_by_id_or_name(adding: Any, whole: Path, classes: tuple[str, ...]) -> None:
    added = adding("imagenet-c", whole, classes=classes, corruptions=("fog",))
    assert added.facts["class_ids"] == ["n01443537", "n01484850"]
    assert added.facts["images"] == 4


def test_imagenet20_is_a_choice_of_classes(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {
        f"fog/{level}/{wordnet}/a.JPEG": making.encoded(making.picture(level, 8))
        for level in range(1, 6)
        for wordnet in (*ANIMALS, "n02927161")
    }
    path = making.written(tmp_path / "x", files)
    assert adding("imagenet-c", path, corruptions=("fog",), classes=("imagenet20",)).facts["classes"] == list(
        ANIMALS.values()
    )
    shutil.rmtree(path / "fog" / "2" / "n01443537")
    told = ("1 of 5 cells", "fog/2 (n01443537)")
    making.complained(adding, "imagenet-c", path, *told, corruptions=("fog",), classes=("imagenet20",), name="b")


def test_all_that_is_missing_is_told_at_once(making: Any, adding: Any, whole: Path, library: Path) -> None:
    shutil.rmtree(whole / "fog")
    shutil.rmtree(whole / "frost")
    shutil.rmtree(whole / "snow" / "4")
    shutil.rmtree(whole / "pixelate" / "2" / IDS[0])
    (whole / "contrast" / "3" / SOURCES[0]).unlink()
    (whole / "contrast" / "5" / SOURCES[5]).rename(whole / "contrast" / "5" / IDS[2] / "other.JPEG")
    told = (
        "no whole ImageNet-C",
        "2 of 15 corruptions are missing: frost, fog",
        "1 of 13 corruptions lack severities: snow (4)",
        "1 of 64 cells CORRUPTION/SEVERITY lack classes: pixelate/2 (n01443537)",
        "2 class folders hold other images",
        "contrast/3/n01443537 (1 images where others have 2; lacks ILSVRC2012_val_00000007.JPEG)",
        "contrast/5/n02927161 (2 images where others have 2; lacks ILSVRC2012_val_00000040.JPEG)",
        "--corruptions",
    )
    making.complained(adding, "imagenet-c", whole, *told)
    assert not list(library.glob("*.json"))
    assert not list((library / "store").glob("*"))


def test_a_class_that_few_corruptions_have_is_left_out_and_counted(making: Any, adding: Any, whole: Path) -> None:
    """A publication of Tiny-ImageNet-C has all of ImageNet's classes under frost."""
    for level in range(1, 6):
        more = {f"n0999999{n}/test_{n}.JPEG": making.encoded(making.picture(n, 8)) for n in range(4)}
        making.written(whole / "frost" / str(level), more)
    (whole / "README.txt").write_text("x")
    added = adding("tiny-imagenet-c", whole)
    assert added.facts["class_ids"] == list(IDS)
    assert added.facts["unused"] == {"classes that only some corruptions have": 4}
    assert added.facts["constants"] == "tiny-imagenet-c"


def test_words_txt_tells_names(making: Any, adding: Any, whole: Path) -> None:
    (whole / "words.txt").write_text("n02927161\tbutcher shop, meat market\nn01443537\tfish\n")
    added = adding("tiny-imagenet-c", whole, corruptions=("fog",), classes=("butcher shop", "goldfish"))
    assert added.facts["classes"] == ["goldfish", "butcher shop"]


def test_size_fits_the_images(adding: Any, whole: Path) -> None:
    assert adding("imagenet-c", whole, size=4, corruptions=("fog",)).facts["image_shape"] == [3, 4, 4]


def test_a_corruption_of_another_size_is_told(making: Any, adding: Any, whole: Path) -> None:
    for path in (whole / "fog").rglob("*.JPEG"):
        path.write_bytes(making.encoded(making.picture(0, 12)))
    told = ("several sizes", "fog 12x12", "snow 8x8", "--size N")
    making.complained(adding, "imagenet-c", whole, *told, corruptions=("snow", "fog"))
    path.write_bytes(making.encoded(making.picture(0, 16)))
    also = ("images of 2 sizes", "12x12 (29), 16x16 (1)")
    making.complained(adding, "imagenet-c", whole, *also, corruptions=("fog",))
    assert adding("imagenet-c", whole, corruptions=("snow", "fog"), size=6).facts["image_shape"] == [3, 6, 6]


def test_images_that_cannot_be_read_are_all_named(making: Any, adding: Any, whole: Path, library: Path) -> None:
    broken = [whole / "fog" / "1" / SOURCES[0], whole / "snow" / "5" / SOURCES[3]]
    for path in broken:
        path.write_bytes(path.read_bytes()[:300])
    listing = library / "mine.unreadable.txt"
    told = ("2 corrupted images", "snow/5/", "fog/1/", str(listing))
    making.complained(adding, "imagenet-c", whole, *told, code="IMAGES_UNREADABLE")
    assert len(listing.read_text().splitlines()) == 2
    assert sorted(path.name for path in library.iterdir()) == ["mine.unreadable.txt", "store"]
    assert not list((library / "store").iterdir())


@pytest.mark.parametrize("size", [None, 8])
def test_a_corruption_without_a_readable_image_is_told(
    making: Any, adding: Any, whole: Path, library: Path, size: int | None
) -> None:
    for path in (whole / "snow").rglob("*.JPEG"):
        path.write_bytes(b"")
    for path in (whole / "fog").rglob("*.JPEG"):
        path.write_bytes(path.read_bytes()[:300])  # whose header is whole
    names = ("frost", "fog", "snow")
    told = (f"{10 * COUNT} corrupted images", "snow/1/", str(library / "mine.unreadable.txt"))
    code = "IMAGES_UNREADABLE"
    making.complained(adding, "imagenet-c", whole, *told, code=code, corruptions=names, size=size)
    assert "fog/5/" in (library / "mine.unreadable.txt").read_text()


@pytest.mark.parametrize("packed", [False, True])
def test_file_names_of_strangers_are_kept(making: Any, adding: Any, tmp_path: Path, packed: bool) -> None:
    name = os.fsdecode(b"n01443537/\xff\xfe.JPEG")
    files = {f"fog/{level}/{name}": making.encoded(making.picture(level, 8)) for level in range(1, 6)}
    path = making.packed(tmp_path / "x.tar", files) if packed else making.written(tmp_path / "x", files)
    added = adding("imagenet-c", path, corruptions=("fog",))
    assert read_images(added.path / "fog.arrow").lineage == (r"n01443537/\udcff\udcfe.JPEG",) * 5


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"shares": {"validation": 0.1, "holdout": 0.2}}, ("--validation", "--hold-out", "not divided")),
        ({"flips_keep_labels": False}, ("--no-flips: ", "nothing is mirrored")),
        ({"flips_keep_labels": True}, ("--flips: ",)),
        ({"skip_unreadable": True}, ("--skip-unreadable", "the same images")),
        ({"corruptions": ("forg",)}, ("'forg'", "did you mean 'fog'")),
        ({"corruptions": ("fog", "fog")}, ("names one twice",)),
    ],
)
def test_options_that_make_no_sense_are_refused(
    making: Any, adding: Any, tmp_path: Path, choices: dict[str, Any], told: tuple[str, ...]
) -> None:
    making.complained(adding, "imagenet-c", tmp_path, *told, code="OPTION_INVALID", **choices)


def test_corruptions_of_an_ordinary_set_are_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    making.complained(adding, "cifar10", tmp_path, "--corruptions", code="OPTION_INVALID", corruptions=("fog",))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"train/n01443537/a.JPEG": b"x"}, "no folder of a corruption"),
        ({"fog/1/a.JPEG": b"x"}, "no class folders in 'fog/1'"),
        ({"fog/one/n01443537/a.JPEG": b"x"}, "lack severities: fog (1, 2, 3, 4, 5)"),
        ({"fog/1/n01443537/a.txt": b"x"}, "1 of 1 classes have no images: n01443537"),
        ({"a/fog/1/n0/a.JPEG": b"x", "b/fog/1/n0/a.JPEG": b"x"}, "several times: fog (a/fog, b/fog)"),
    ],
)
def test_another_layout_is_told(making: Any, adding: Any, tmp_path: Path, files: Files, told: str) -> None:
    making.complained(adding, "imagenet-c", making.written(tmp_path / "x", files), told, corruptions=("fog",))


def test_an_unsafe_archive_among_several_is_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    making.packed(tmp_path / "noise.tar", {"../shot_noise/1/n01443537/a.JPEG": b"x"})
    making.complained(adding, "imagenet-c", tmp_path, "noise.tar", "outside", code="ARCHIVE_UNSAFE")


def test_an_address_is_that_of_content_and_name_alone_differs(adding: Any, whole: Path, library: Path) -> None:
    one = adding("imagenet-c", whole)
    assert not one.already
    assert adding("imagenet-c", whole).already
    assert adding("imagenet-c", whole, name="other").record.digest == one.record.digest
    libraries.remove(library, "mine")
    assert one.path.exists()
    libraries.remove(library, "other")
    assert not one.path.exists()


def test_what_a_killed_process_left_aside_goes_with_the_next(adding: Any, whole: Path, library: Path) -> None:
    left = LocalRoot(library / "store")
    digest = "0" * 64
    left.root.mkdir(parents=True)
    (left.root / f"{digest}.aside").mkdir()
    (left.root / f"{digest}.lock").touch()
    adding("imagenet-c", whole, corruptions=("fog",))
    assert [path.name for path in left.root.iterdir()] == [libraries.read(library, "mine").digest]

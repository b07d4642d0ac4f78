"""TinyImageNet as published, from folders and archives; its annotations are honoured or complained about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def tiny(making: Any) -> Files:
    """TinyImageNet with two classes: 6 training and 8 validation images of each, 2 test images."""
    ids = {"n01443537": "goldfish, Carassius auratus", "n01629819": "European fire salamander, Salamandra salamandra"}
    files = {"words.txt": "".join(f"{wordnet}\t{names}\n" for wordnet, names in ids.items()).encode()}
    files["wnids.txt"] = "\n".join(ids).encode()
    lines = []
    for number, wordnet in enumerate(ids):
        for image in range(6):
            name = f"train/{wordnet}/images/{wordnet}_{image}.JPEG"
            files[name] = making.encoded(making.picture(100 * number + image))
        files[f"train/{wordnet}/{wordnet}_boxes.txt"] = b"1\t2\n"
    for image in range(16):
        files[f"val/images/val_{image}.JPEG"] = making.encoded(making.picture(1000 + image))
        lines.append(f"val_{image}.JPEG\t{list(ids)[image % 2]}\t0\t0\t9\t9\n")
    files["val/val_annotations.txt"] = "".join(reversed(lines)).encode()
    files |= {f"test/images/test_{image}.JPEG": making.encoded(making.picture(image)) for image in range(2)}
    return making.below("tiny-imagenet-200", files)


@pytest.mark.parametrize("name", ["folder", "x.zip", "x.tar.gz"])
def test_tiny_imagenet_has_its_official_classes(
    making: Any, adding: Any, tiny: Files, tmp_path: Path, name: str
) -> None:
    write = making.written if name == "folder" else making.packed
    added = adding("tiny-imagenet", write(tmp_path / name, tiny))
    assert added.facts["classes"] == ["goldfish", "European fire salamander"]
    assert added.facts["class_ids"] == ["n01443537", "n01629819"]
    assert making.counts(added) == [12, 8, 4, 4]
    assert added.facts["image_shape"] == [3, 16, 16]
    assert added.facts["unused"] == {"images without a published class": 2}
    assert "official val" in added.facts["division"]["test"]
    stored = {
        tuple(image.flatten().tolist()): int(label)
        for each in making.splits(added.path).values()
        for image, label in zip(each.images, each.labels, strict=True)
    }
    assert len(stored) == 28
    for image in range(16):
        pixels = making.rgb(tiny[f"tiny-imagenet-200/val/images/val_{image}.JPEG"])
        assert stored[tuple(pixels.transpose(2, 0, 1).flatten().tolist())] == image % 2


def test_classes_of_tiny_imagenet_are_chosen_by_id_or_name(
    making: Any, adding: Any, tiny: Files, tmp_path: Path
) -> None:
    path = making.written(tmp_path / "x", tiny)
    one = adding("tiny-imagenet", path, name="ids", classes=("n01629819", "n01443537"))
    assert (
        adding("tiny-imagenet", path, name="names", classes=("goldfish", "European fire salamander")).record.digest
        == one.record.digest
    )
    making.complained(adding, "tiny-imagenet", path, "1 of 2 classes", "cat", "n01443537", classes=("goldfish", "cat"))
    making.complained(adding, "tiny-imagenet", path, "one class only", "goldfish", "14 images", classes=("goldfish",))
    making.complained(adding, "tiny-imagenet", path, "chosen twice", classes=("goldfish", "n01443537"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda text: text.replace("val_3.JPEG", "val_99.JPEG"),
            ("2 of its", "val_99.JPEG is not there", "val_3.JPEG has no line"),
        ),
        (lambda text: text.replace("n01443537", "n99999999", 1), ("'n99999999' is no class",)),
        (lambda text: text + "val_0.JPEG\tn01629819\n", ("another class before",)),
        (lambda text: "", ("16 of its", "has no line")),
    ],
)
def test_annotations_that_do_not_fit_are_counted(
    making: Any, adding: Any, tiny: Files, tmp_path: Path, change: Callable[[str], str], told: tuple[str, ...]
) -> None:
    name = "tiny-imagenet-200/val/val_annotations.txt"
    files = {**tiny, name: change(tiny[name].decode()).encode()}
    making.complained(adding, "tiny-imagenet", making.written(tmp_path / "x", files), "val_annotations.txt", *told)


def test_tiny_imagenet_without_annotations_is_refused(making: Any, adding: Any, tiny: Files, tmp_path: Path) -> None:
    files = {name: content for name, content in tiny.items() if "annotations" not in name}
    making.complained(
        adding, "tiny-imagenet", making.written(tmp_path / "x", files), "val_annotations.txt", "published"
    )

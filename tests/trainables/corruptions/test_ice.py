from pathlib import Path

import pytest
import torch
from PIL import Image

from trainables.perturbations.corruptions import Ice, corrupt, read_ice
from trainables.perturbations.corruptions.ice import procedural_ice
from trainables.seeds import generator


def test_our_ice_is_always_the_same_and_none_like_another() -> None:
    first = procedural_ice()
    procedural_ice.cache_clear()
    second = procedural_ice()
    assert len(first.pictures) == 5
    for one, other in zip(first.pictures, second.pictures, strict=True):
        assert torch.equal(one, other)
        assert one.shape == (3, 512, 512)
    assert len(torch.unique(torch.stack([picture.float().mean() for picture in first.pictures]))) == 5


def test_our_ice_is_as_bright_and_as_rough_as_the_references() -> None:
    """Of the reference's five pictures, enlarged, over the colours: mean 163.7, deviation within a picture 27.2."""
    pictures = torch.stack(list(procedural_ice().pictures)).float()
    assert pictures.mean().item() == pytest.approx(163.7, abs=12)
    assert pictures.std((2, 3)).mean().item() == pytest.approx(27.2, abs=6)


def test_pictures_are_read_by_name(tmp_path: Path) -> None:
    for name, level in (("b.png", 200), ("a.JPG", 40)):
        Image.new("RGB", (70, 50), (level, level, level)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    ice = read_ice(tmp_path)
    assert [picture[0, 0, 0].item() for picture in ice.pictures] == [40, 200]
    assert ice.pictures[0].shape == (3, 50, 70)
    image = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    made = {corrupt(image, "frost", 1, torch.tensor([seed]), ice=ice).max().item() for seed in range(20)}
    assert made == {16, 80}


def test_a_small_picture_is_enlarged_over_a_large_image() -> None:
    picture = torch.full((3, 32, 40), 100, dtype=torch.uint8)
    image = torch.zeros(1, 3, 512, 300, dtype=torch.uint8)
    for constants in ("imagenet-c", "tiny-imagenet-c"):
        made = corrupt(image, "frost", 1, generator("large"), constants, Ice([picture]))
        assert len(torch.unique(made)) == 1


@pytest.mark.parametrize("written", [None, b"", b"\x89PNG\r\n\x1a\n broken"])
def test_a_folder_without_pictures_is_told(written: bytes | None, tmp_path: Path) -> None:
    if written is not None:
        (tmp_path / "ice.png").write_bytes(written)
    with pytest.raises(ValueError, match=str(tmp_path)) as caught:
        read_ice(tmp_path)
    assert ".png" in str(caught.value) or "PNG" in str(caught.value)


@pytest.mark.parametrize("pictures", [[], [torch.zeros(3, 40, 31, dtype=torch.uint8)], [torch.zeros(3, 40, 40)]])
def test_unlawful_ice_is_told(pictures: list[torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="at least one picture, uint8"):
        Ice(pictures)


def test_a_missing_folder_and_a_small_picture_are_named_also_where_a_text_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        read_ice(str(tmp_path / "nowhere"))
    Image.new("RGB", (64, 20)).save(tmp_path / "small.png")
    with pytest.raises(ValueError, match=r"small\.png: is 64x20; sides of 32 pixels or more are needed"):
        read_ice(str(tmp_path))

"""Laws that all 19 corruptions keep, and the messages of `corrupt`."""

import dataclasses
import re
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

from trainables.perturbations.corruptions import CORRUPTIONS, SEVERITIES, TABLES, corrupt, groups, names
from trainables.seeds import generator

RANDOM = [name for name in names() if CORRUPTIONS[name].draw]
NOT_EVER_FARTHER = {
    "glass_blur": "some severities have fewer rounds than the one before",
    "frost": "more ice, but less of the image's own light",
    "pixelate": "it matters how the boxes fall on an edge",
    "saturate": "two severities fade, three glare",
}


def test_there_are_fifteen_and_four_in_the_groups_of_the_benchmark() -> None:
    assert len(names()) == 19
    assert {kind: len(members) for kind, members in groups().items()} == {
        "noise": 3,
        "blur": 4,
        "weather": 4,
        "digital": 4,
        "extra": 4,
    }
    assert [name for members in groups().values() for name in members] == list(names())
    assert groups()["extra"] == ("speckle_noise", "gaussian_blur", "spatter", "saturate")


@pytest.mark.parametrize("constants", TABLES)
def test_every_table_has_five_settings_of_each(constants: str) -> None:
    assert set(TABLES[constants]) == set(names())
    assert {len(settings) for settings in TABLES[constants].values()} == {len(SEVERITIES)}


@pytest.mark.parametrize("name", names())
def test_all_severities_and_constants_keep_shape_and_type(name: str, images: Tensor) -> None:
    small = images[:2, :, :33, :38]
    before = small.clone()
    for constants in TABLES:
        for severity in SEVERITIES:
            made = corrupt(small, name, severity, generator(severity), constants)
            assert made.shape == small.shape
            assert made.dtype == torch.uint8
            assert made.is_contiguous()
    assert torch.equal(small, before)


@pytest.mark.parametrize("name", names())
def test_the_largest_size_and_narrow_images(name: str) -> None:
    image = torch.arange(512, dtype=torch.int32).expand(1, 3, 32, 512).remainder(256).to(torch.uint8)
    for turned in (image, image.transpose(2, 3)):
        assert corrupt(turned, name, 5, generator(name)).shape == turned.shape


@pytest.mark.parametrize("name", names())
def test_the_same_generator_gives_the_same_bytes(name: str, images: Tensor) -> None:
    before = torch.get_rng_state()
    first, second, other = (corrupt(images, name, 3, generator(name, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert torch.equal(first, other) == (name not in RANDOM)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", names())
def test_an_image_does_not_depend_on_its_neighbours(name: str, images: Tensor) -> None:
    seeds = torch.arange(100, 106)
    together = corrupt(images, name, 3, seeds)
    order = torch.tensor([4, 1, 5, 0])
    apart = corrupt(images[order], name, 3, seeds[order])
    assert_almost_equal(apart, together[order])


@pytest.mark.parametrize("name", names())
def test_a_stream_may_be_cut_anywhere(name: str, images: Tensor) -> None:
    draws = generator(name)
    cut = torch.cat([corrupt(part, name, 2, draws) for part in torch.split(images, [1, 3, 2])])
    assert_almost_equal(cut, corrupt(images, name, 2, generator(name)))


def assert_almost_equal(first: Tensor, second: Tensor) -> None:
    """Float arithmetic in other batches may truncate a value in a thousand the other way."""
    apart = (first.int() - second.int()).abs()
    assert int(apart.max()) <= 1
    assert apart.float().mean() < 1e-3


@pytest.mark.parametrize("name", RANDOM)
def test_equal_images_get_draws_of_their_own(name: str, images: Tensor) -> None:
    made = corrupt(images[:1].expand(4, -1, -1, -1), name, 4, generator(name))
    assert len(torch.unique(made.flatten(1), dim=0)) == 4


@pytest.mark.parametrize("name", [name for name in names() if name not in NOT_EVER_FARTHER])
def test_images_get_farther_with_severity(name: str, images: Tensor) -> None:
    many = images.repeat(8, 1, 1, 1)
    seeds = torch.arange(len(many))
    far = [
        (corrupt(many, name, severity, seeds).float() - many.float()).square().mean().item() for severity in SEVERITIES
    ]
    assert far == sorted(far)


@pytest.mark.parametrize("name", names())
def test_gradient_mode_and_autocast_make_no_difference(name: str, images: Tensor) -> None:
    plain = corrupt(images[:2], name, 3, generator(name))
    with torch.inference_mode():
        assert torch.equal(corrupt(images[:2], name, 3, generator(name)), plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(corrupt(images[:2], name, 3, generator(name)), plain)


@pytest.mark.parametrize("name", names())
def test_memory_format_and_an_empty_batch_make_no_difference(name: str, images: Tensor) -> None:
    plain = corrupt(images, name, 3, generator(name))
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(corrupt(last, name, 3, generator(name)), plain)
    assert corrupt(images[:0], name, 3, generator(name)).shape == (0, 3, 48, 40)


@pytest.mark.parametrize("name", ["defocus_blur", "zoom_blur", "contrast", "pixelate", "gaussian_blur", "glass_blur"])
@pytest.mark.parametrize("level", [0, 1, 128, 200, 255])
def test_a_flat_image_stays_flat(name: str, level: int) -> None:
    flat = torch.full((1, 3, 64, 64), level, dtype=torch.uint8)
    # The reference's two largest disks are mirrored at their window's edge, which brightens an image.
    for severity in SEVERITIES[:3] if name == "defocus_blur" else SEVERITIES:
        assert torch.equal(corrupt(flat, name, severity, generator(name)), flat)


FITTING: dict[str, Any] = {"name": "fog", "severity": 3, "generator": torch.Generator()}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"images": torch.zeros(1, 3, 32, 32)}, "float32.*uint8.*255"),
        ({"images": torch.zeros(3, 32, 32, dtype=torch.uint8)}, r"\(3, 32, 32\).*images\[None\]"),
        ({"images": torch.zeros(1, 1, 32, 32, dtype=torch.uint8)}, "grey images.*expand"),
        ({"images": torch.zeros(1, 3, 31, 40, dtype=torch.uint8)}, "31.*32 to 512.*resize"),
        ({"images": torch.zeros(1, 3, 32, 513, dtype=torch.uint8)}, "513.*32 to 512"),
        ({"severity": 0}, "severity is 0.*1.*5"),
        ({"severity": 6}, "severity is 6"),
        ({"severity": True}, "severity is True"),
        ({"severity": 2.5}, "severity is 2.5"),
        ({"name": "fogg"}, "'fogg', did you mean 'fog'.*gaussian_noise"),
        ({"constants": "imagenet"}, "'imagenet', did you mean 'imagenet-c'.*cifar-10-c"),
        ({"generator": None}, "fog is random.*Generator"),
        ({"generator": torch.zeros(2, dtype=torch.int64)}, r"seeds.*\(2,\).*int64 \(1,\)"),
        ({"generator": torch.zeros(1)}, "seeds are torch.float32"),
        ({"images": [[0]]}, r"images are of type list; a torch.Tensor, uint8 \(N, 3, H, W\).*torch.from_numpy"),
        ({"images": numpy.zeros((1, 3, 32, 32), numpy.uint8)}, r"images are of type ndarray.*torch.from_numpy"),
        ({"images": torch.zeros(1, 3, 32, 32, dtype=torch.int64)}, r"int64.*whole numbers .*images.to\(torch.uint8\)"),
        ({"images": torch.zeros(1, 32, 32, 3, dtype=torch.uint8)}, r"images.permute\(0, 3, 1, 2\)"),
        ({"images": torch.zeros(1, 4, 32, 32, dtype=torch.uint8)}, r"images\[:, :3\]"),
        ({"generator": 0}, r"generator is of type int; a torch.Generator.*int64 \(1,\)"),
        ({"generator": [1]}, "generator is of type list; a torch.Generator"),
        ({"name": ["fog"]}, r"no corruption \['fog'\]"),
        ({"constants": ["imagenet-c"]}, r"no constants \['imagenet-c'\]"),
        ({"name": "frost", "ice": "folder"}, r"ice is of type str; .*read_ice\(folder\)"),
    ],
)
def test_bad_arguments_are_told_with_what_would_do(changed: dict[str, Any], told: str) -> None:
    arguments = {"images": torch.zeros(1, 3, 32, 32, dtype=torch.uint8), **FITTING, **changed}
    with pytest.raises(ValueError, match=f"^corrupt: .*{told}") as caught:
        corrupt(**arguments)
    assert len(re.findall("\n", str(caught.value))) == 0


def test_what_is_not_random_needs_no_generator(images: Tensor) -> None:
    for name in set(names()) - set(RANDOM):
        corrupt(images[:1], name, 1)


def test_corruptions_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CORRUPTIONS["fog"].name = "mist"  # type: ignore[misc]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", names())
def test_on_a_gpu(name: str, images: Tensor) -> None:
    there = images.cuda()
    made = corrupt(there, name, 3, generator(name))
    assert made.device == there.device
    assert torch.equal(made, corrupt(there, name, 3, generator(name)))
    if name not in RANDOM:
        assert_almost_equal(made.cpu(), corrupt(images, name, 3))
    else:
        difference = made.float().mean() - corrupt(images, name, 3, generator(name)).float().mean()
        assert difference.abs() < 12

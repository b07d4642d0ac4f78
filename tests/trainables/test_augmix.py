"""AugMix beside a twin that takes one image at a time through Pillow, as the published code does."""

import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images
from torch import Tensor

from trainables.perturbations.augmix.consistency import divergence, jsd_loss
from trainables.perturbations.augmix.draws import AugMixOptions, Draws, draw
from trainables.perturbations.augmix.mixing import augmix, augmix_each, mixed
from trainables.perturbations.augmix.operations import NONE, OPERATIONS, OVERLAPPING, apply
from trainables.seeds import generator

BILINEAR = Image.Resampling.BILINEAR
AFFINE = Image.Transform.AFFINE


def photographs(count: int, height: int, width: int) -> Tensor:
    """(count, 3, height, width) crops of two real photographs."""
    pixels = torch.tensor(load_sample_images().images[0]).permute(2, 0, 1)
    numbers = generator("test", "photographs")
    found = []
    for _ in range(count):
        top = int(torch.randint(pixels.shape[1] - height, (), generator=numbers))
        left = int(torch.randint(pixels.shape[2] - width, (), generator=numbers))
        found.append(pixels[:, top : top + height, left : left + width])
    return torch.stack(found)


def by_pillow(name: str, image: Image.Image, level: float) -> Image.Image:
    """One operation at a level from 0 to 10, below 0 the other way."""
    size, strength = image.size, abs(level)
    factor = strength * 1.8 / 10 + 0.1
    match name:
        case "autocontrast":
            return ImageOps.autocontrast(image)
        case "equalize":
            return ImageOps.equalize(image)
        case "posterize":
            return ImageOps.posterize(image, 4 - int(strength * 4 / 10))
        case "solarize":
            return ImageOps.solarize(image, 256 - int(strength * 256 / 10))
        case "rotate":
            return image.rotate(int(level * 30 / 10), BILINEAR)
        case "shear_x":
            return image.transform(size, AFFINE, (1, level * 0.3 / 10, 0, 0, 1, 0), BILINEAR)
        case "shear_y":
            return image.transform(size, AFFINE, (1, 0, 0, level * 0.3 / 10, 1, 0), BILINEAR)
        case "translate_x":
            return image.transform(size, AFFINE, (1, 0, int(level * (size[0] / 3) / 10), 0, 1, 0), BILINEAR)
        case "translate_y":
            return image.transform(size, AFFINE, (1, 0, 0, 0, 1, int(level * (size[1] / 3) / 10)), BILINEAR)
        case "brightness":
            return ImageEnhance.Brightness(image).enhance(factor)
        case "contrast":
            return ImageEnhance.Contrast(image).enhance(factor)
        case "colour":
            return ImageEnhance.Color(image).enhance(factor)
        case "sharpness":
            return ImageEnhance.Sharpness(image).enhance(factor)
    raise AssertionError(name)


def opened(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())


def tensor(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(*image.size[::-1], 3).permute(2, 0, 1)


def one_by_one(images: Tensor, draws: Draws) -> Tensor:
    """The twin: the same draws, image by image and chain by chain; the mixture in double precision."""
    found = []
    for row, image in enumerate(images):
        ends = []
        for chain in range(draws.codes.shape[1]):
            end = opened(image)
            for step in range(draws.codes.shape[2]):
                code, level = int(draws.codes[row, chain, step]), float(draws.levels[row, chain, step])
                if code != NONE:
                    end = by_pillow(OPERATIONS[code], end, -level if draws.mirrored[row, chain, step] else level)
            ends.append(tensor(end))
        shares = draws.weights[row].double()[:, None, None, None]
        found.append((shares * torch.stack([*ends, image]).double()).sum(0))
    return torch.stack(found)


def applied(name: str, images: Tensor, levels: Tensor) -> Tensor:
    out = torch.empty_like(images)
    apply(images, torch.arange(len(images)), torch.full((len(images),), OPERATIONS.index(name)), levels, out)
    return out


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("size", [(32, 32), (61, 45)], ids=["square", "odd"])
def test_every_operation_is_pillow_s_within_a_grey_level(name: str, size: tuple[int, int]) -> None:
    levels = torch.cat([torch.linspace(-9.99, -0.1, 12), torch.linspace(0.1, 9.99, 12)]).double()
    images = photographs(len(levels), *size)
    ours = applied(name, images, levels)
    twin = torch.stack(
        [tensor(by_pillow(name, opened(image), float(level))) for image, level in zip(images, levels, strict=True)]
    )
    apart = (ours.int() - twin.int()).abs()
    assert (apart <= 1).double().mean() >= 0.999
    assert (apart == 0).double().mean() >= 0.99


@pytest.mark.parametrize("options", [AugMixOptions(), AugMixOptions(9.99, width=2, depth=4, overlapping=True)])
def test_whole_chains_and_their_mixture_are_the_twin_s(options: AugMixOptions) -> None:
    images = photographs(24, 40, 48)
    draws = draw(len(images), options, generator("test", "twin"))
    apart = (mixed(images, draws).double() - one_by_one(images, draws)).abs()
    # Ours is rounded, the twin is not; a grey level of one step can become more in the next.
    assert (apart <= 1.5).double().mean() >= 0.99
    assert apart.median() <= 0.26


def test_the_mixture_is_exact() -> None:
    images = photographs(3, 16, 16)
    shares = torch.tensor([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    solarized = torch.full((3, 2, 1), OPERATIONS.index("solarize"))
    draws = Draws(solarized, torch.tensor([9.99, 0.1]).double().repeat(3, 1)[:, :, None], solarized < 0, shares)
    twin = 0.25 * by_level(images[0], 9.99) + 0.25 * by_level(images[0], 0.1) + 0.5 * images[0]
    ours = mixed(images, draws)
    assert torch.equal(ours[0], (twin + 0.5).floor().to(torch.uint8))
    assert torch.equal(ours[1], by_level(images[1], 9.99).to(torch.uint8))
    assert torch.equal(ours[2], images[2])


def by_level(image: Tensor, level: float) -> Tensor:
    return tensor(by_pillow("solarize", opened(image), level)).double()


def test_draws_have_the_published_distributions() -> None:
    draws = draw(4000, AugMixOptions(severity=3), generator("test", "draws"))
    taken = draws.codes != NONE
    assert set(draws.codes.unique().tolist()) == {NONE, *range(len(OPERATIONS) - len(OVERLAPPING))}
    lengths = taken.sum(2)
    assert torch.equal(taken, torch.arange(3) < lengths[:, :, None])  # no gaps
    assert all(abs((lengths == length).double().mean() - 1 / 3) < 0.02 for length in (1, 2, 3))
    levels = draws.levels[taken]
    assert 0.1 < levels.min() < 0.11 and 2.99 < levels.max() < 3  # noqa: PT018 - the two ends of one range
    assert abs(levels.mean() - 1.55) < 0.02
    assert abs(draws.mirrored.double().mean() - 0.5) < 0.01
    assert torch.allclose(draws.weights.sum(1), torch.ones(4000))
    own, chains = draws.weights[:, -1].double(), draws.weights[:, :-1].double()
    assert abs(own.mean() - 1 / 2) < 0.02  # Beta(1, 1) has mean 1/2 and variance 1/12
    assert abs(own.var() - 1 / 12) < 0.005
    shares = chains / chains.sum(1, keepdim=True)  # Dirichlet(1, 1, 1) has means 1/3 and variances 1/18
    assert torch.allclose(shares.mean(0), torch.full((3,), 1 / 3).double(), atol=0.02)
    assert torch.allclose(shares.var(0), torch.full((3,), 1 / 18).double(), atol=0.005)


def test_equal_seeds_give_equal_views_and_the_images_stay() -> None:
    images = photographs(5, 33, 40).contiguous(memory_format=torch.channels_last)
    kept = images.clone()
    first, second = augmix(images, AugMixOptions(), generator("a"), views=2)
    again, _ = augmix(images, AugMixOptions(), generator("a"), views=2)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(images, kept)


def test_an_image_comes_out_alike_in_any_company() -> None:
    images = photographs(60, 64, 64)
    draws = draw(len(images), AugMixOptions(), generator("company"))
    together = mixed(images, draws)
    alone = torch.cat([mixed(images[row : row + 1], draws.rows(slice(row, row + 1))) for row in range(0, 60, 7)])
    assert torch.equal(together[::7], alone)


def test_batches_together_are_what_they_are_one_after_the_other() -> None:
    batches = torch.split(photographs(23, 32, 40), [8, 8, 7])
    after = generator("batches")
    alone = [augmix(images, AugMixOptions(), after)[0] for images in batches]
    together = augmix_each(batches, AugMixOptions(), generator("batches"))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_flat_images_stay_flat_and_alike() -> None:
    flat = torch.full((8, 3, 20, 20), 77, dtype=torch.uint8)
    for name in ("autocontrast", "equalize", "shear_x", "translate_y", "contrast", "colour", "sharpness"):
        after = applied(name, flat, torch.full((8,), 0.1).double())
        assert set(after.unique().tolist()) <= {77, 0}, name


def test_no_images_give_no_images_and_bad_ones_a_message() -> None:
    none = torch.empty(0, 3, 8, 8, dtype=torch.uint8)
    assert augmix(none, AugMixOptions(), generator("none"))[0].shape == none.shape
    for bad in (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(ValueError, match=r"want images \(N, 3, H, W\) uint8"):
            augmix(bad, AugMixOptions(), generator("bad"))
    with pytest.raises(ValueError, match="severity: 11"):
        AugMixOptions(severity=11)
    with pytest.raises(ValueError, match="width: 0 is below 1"):
        AugMixOptions(width=0)


def test_divergence_has_its_closed_forms() -> None:
    scores = torch.randn(6, 5, generator=generator("scores"))
    assert torch.allclose(divergence(scores, scores + 3, scores), torch.zeros(6), atol=1e-6)
    certain = 1e4 * torch.eye(3)  # three answers that share nothing
    assert torch.allclose(divergence(*(certain[row].expand(2, 3) for row in range(3))), torch.tensor(3.0).log())
    half = torch.tensor([[0.0, 0.0, -1e4]])  # (1/2, 1/2, 0) against (1, 0, 0): 3/4 log 4/3 of entropy and so on
    one = torch.tensor([[1e4, 0.0, 0.0]])
    entropy = -(0.75 * torch.tensor(0.75).log() + 0.25 * torch.tensor(0.25).log())
    assert torch.allclose(divergence(half, one), entropy - 0.5 * torch.tensor(2.0).log())


def test_the_loss_is_the_published_one_and_has_finite_gradients() -> None:
    scores = torch.randn(3, 7, 5, generator=generator("scores"), dtype=torch.float64).float()
    labels = torch.arange(7) % 5
    chances = scores.softmax(2)
    mixture = chances.mean(0)
    published = (
        torch.nn.functional.cross_entropy(scores[0], labels)
        + 12 * sum(torch.nn.functional.kl_div(mixture.log(), chance, reduction="batchmean") for chance in chances) / 3
    )
    assert torch.allclose(jsd_loss(*scores, labels), published)
    assert torch.equal(jsd_loss(*scores, labels, weight=0), torch.nn.functional.cross_entropy(scores[0], labels))
    far = (1000 * scores).requires_grad_()
    jsd_loss(*far, labels).backward()
    assert far.grad is not None
    assert far.grad.isfinite().all()

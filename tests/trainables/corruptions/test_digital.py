from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from trainables.perturbations.corruptions import TABLES, corrupt, digital
from trainables.perturbations.corruptions.constants import Elastic
from trainables.perturbations.corruptions.digital import elastic_transform
from trainables.seeds import generator


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_contrast_moves_values_towards_their_channels_mean(severity: int, images: Tensor) -> None:
    factor = TABLES["imagenet-c"]["contrast"][severity - 1]
    values = images.double()
    mean = values.mean((2, 3), keepdim=True)
    exact = (values - mean) * factor + mean
    assert ((corrupt(images, "contrast", severity).double() - exact) <= 0.01).all()
    assert ((exact - corrupt(images, "contrast", severity).double()) < 1).all()


@pytest.mark.parametrize("size", [(32, 32), (48, 40), (224, 97), (64, 512), (100, 333)])
@pytest.mark.parametrize("share", [0.95, 0.6, 0.4, 0.25])
def test_pixelate_is_pillows_box_filter(size: tuple[int, int], share: float) -> None:
    height, width = size
    image = torch.randint(256, (1, 3, height, width), generator=generator("boxes", *size), dtype=torch.uint8)
    whole = Image.fromarray(image[0].permute(1, 2, 0).numpy())
    small = whole.resize((int(width * share), int(height * share)), Image.Resampling.BOX)
    twin = np.asarray(small.resize((width, height), Image.Resampling.NEAREST)).astype(int)
    apart = np.abs(digital.pixelate(image, share)[0].permute(1, 2, 0).numpy() - twin)
    assert apart.max() <= 1
    assert abs((digital.pixelate(image, share)[0].permute(1, 2, 0).numpy() - twin).mean()) < 0.02


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("fast", [True, False])
def test_jpeg_is_pillows(severity: int, fast: bool, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(digital, "simplejpeg", None)
    quality = TABLES["imagenet-c"]["jpeg_compression"][severity - 1]
    for image, made in zip(images, corrupt(images, "jpeg_compression", severity), strict=True):
        file = BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
        assert np.array_equal(made.permute(1, 2, 0).numpy(), np.asarray(Image.open(file)))


def test_jpeg_in_several_threads_keeps_the_order(images: Tensor) -> None:
    threads = torch.get_num_threads()
    plain = corrupt(images, "jpeg_compression", 5)
    try:
        torch.set_num_threads(3)
        assert torch.equal(corrupt(images, "jpeg_compression", 5), plain)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("setting", [Elastic(0.1, 0.02, 0), Elastic(2.0, 0.76, 0), Elastic(0, 0, 0)])
def test_elastic_displacement_is_scipys(setting: Elastic, images: Tensor) -> None:
    height, width = images.shape[2:]
    fields = torch.rand(1, 2, height, width, generator=generator("elastic")) * 2 - 1
    ours = elastic_transform(images[:1], setting, fields, torch.zeros(1, 3, 2))[0]
    sigma = (setting.sigma * height, setting.sigma * width)
    moves = [
        ndimage.gaussian_filter(field.double().numpy(), sigma, mode="reflect", truncate=3)
        * setting.displacement
        * height
        for field in fields[0]
    ]
    rows, columns = np.mgrid[:height, :width]
    places = [rows + moves[1], columns + moves[0]]
    twin = [
        ndimage.map_coordinates(plane.numpy().astype(float), places, order=1, mode="reflect") for plane in images[0]
    ]
    assert np.abs(ours.numpy() - np.floor(np.stack(twin) + 1e-3)).max() <= 1


def test_the_affine_map_takes_the_corners_where_they_are_shifted() -> None:
    side = 60
    ramp = torch.arange(side, dtype=torch.float32)
    image = torch.stack([ramp.expand(side, side) * 4, ramp[:, None].expand(side, side) * 4, torch.zeros(side, side)])
    corners = torch.tensor([[[0.5, -0.3], [-0.2, 0.4], [0.1, 0.6]]])
    setting = Elastic(0, 0, 0.1)
    made = (
        elastic_transform(image[None].to(torch.uint8), setting, torch.zeros(1, 2, side, side), corners)[0].float() / 4
    )
    before = torch.tensor([[50.0, 50.0], [50.0, 10.0], [10.0, 10.0]])
    for (x, y), (to_x, to_y) in zip(before, before + corners[0] * 6, strict=True):
        here = made[:2, round(to_y.item()), round(to_x.item())]
        assert torch.allclose(here, torch.stack([x, y]), atol=1.1)


def test_an_affine_map_without_shifts_changes_nothing(images: Tensor) -> None:
    fields, corners = torch.zeros(6, 2, 48, 40), torch.zeros(6, 3, 2)
    made = elastic_transform(images, Elastic(0, 0, 0.1), fields, corners)
    assert (made.int() - images.int()).abs().max() <= 1

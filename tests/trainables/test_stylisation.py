"""Stylisation. No published weights are to be had where tests run: AdaIN is tried with tiny encoders of random weights,

and its reading of VGG-19 with torchvision's own layers, randomly initialised.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.models.vgg as vgg
from PIL import Image
from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.perturbations.stylisation import pyramid
from trainables.perturbations.stylisation.adain import (
    Decoder,
    Encoder,
    adain,
    fresh_decoder,
    load_decoder,
    moments,
    save_decoder,
    transferred,
    vgg19_encoder,
)
from trainables.perturbations.stylisation.decoder_options import DecoderTraining
from trainables.perturbations.stylisation.decoder_training import losses, train_decoder
from trainables.perturbations.stylisation.pictures import picture_paths
from trainables.perturbations.stylisation.statistics import StatisticsOptions, matched
from trainables.perturbations.stylisation.styles import embedded_styles, read_styles, stylised
from trainables.perturbations.stylisation.textures import textures
from trainables.seeds import generator

TINY = (4, 6, 8, 10)
SIZES = [(32, 32), (33, 47), (16, 5)]


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator("test", "noise", *shape))


def pictures(count: int, side: int) -> Tensor:
    return textures(count, side, generator("test", "pictures"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("levels", [0, 1, 3])
def test_a_pyramid_is_its_image_again(size: tuple[int, int], levels: int) -> None:
    images = noise(2, 3, *size)
    bands = pyramid.split(images, levels)
    assert len(bands) == levels + 1
    assert torch.allclose(pyramid.joined(bands), images, atol=1e-6)
    assert min(bands[-1].shape[2:]) == -(-min(size) // 2**levels)


def test_a_flat_image_has_nothing_in_its_fine_bands() -> None:
    *fine, last = pyramid.split(torch.full((1, 3, 21, 34), 0.3), 3)
    assert all(band.abs().max() < 1e-6 for band in fine)
    assert torch.allclose(last, torch.tensor(0.3))


@pytest.mark.parametrize("options", [StatisticsOptions(), StatisticsOptions(0.4, 0.0), StatisticsOptions(1.0, 1.0)])
def test_an_image_in_its_own_style_stays_as_it_is(options: StatisticsOptions) -> None:
    images = noise(2, 3, 33, 47)
    assert torch.allclose(matched(images, images, options), images, atol=1e-5)


def test_strength_zero_changes_nothing_and_half_is_half_way() -> None:
    images, styles = noise(2, 3, 32, 40), noise(2, 3, 32, 40) ** 3
    whole = matched(images, styles, StatisticsOptions(1.0))
    assert torch.allclose(matched(images, styles, StatisticsOptions(0.0)), images, atol=1e-6)
    assert torch.allclose(matched(images, styles, StatisticsOptions(0.5)), (images + whole) / 2, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_means_are_the_style_s_in_every_channel_and_texture_follows_it(size: tuple[int, int]) -> None:
    images, styles = noise(4, 3, *size), 0.3 + 0.1 * noise(4, 3, *size)
    found = matched(images, styles, StatisticsOptions())
    assert found.shape == images.shape
    for own, other in ((found, styles), (found[:, :, 1:], styles[:, :, 1:])):
        assert torch.allclose(own.mean((2, 3)), other.mean((2, 3)), atol=0.01)
    assert torch.allclose(found.std((2, 3)), styles.std((2, 3)), rtol=0.35)  # the images' are ten times that


def test_a_flat_style_leaves_its_colour_alone() -> None:
    colour = torch.tensor([0.2, 0.5, 0.7])[:, None, None].expand(1, 3, 24, 24)
    found = matched(noise(1, 3, 24, 24), colour, StatisticsOptions())
    assert torch.allclose(found, colour, atol=1e-3)


def test_texture_moves_an_image_towards_its_style_and_shapes_stay() -> None:
    images, styles = pictures(4, 64).float() / 255, pictures(8, 64)[4:].float() / 255
    alike = [
        (correlation(found, images), correlation(found, styles))
        for found in (matched(images, styles, StatisticsOptions(texture=texture)) for texture in (0.0, 0.5, 1.0))
    ]
    to_images, to_styles = zip(*alike, strict=True)
    assert to_images[0] > to_images[1] > to_images[2] > 0.3
    assert to_styles[0] < to_styles[1] < to_styles[2]


def correlation(first: Tensor, second: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


def test_stylised_images_depend_on_their_own_seed_alone() -> None:
    images, styles = pictures(7, 24), embedded_styles(24, 8)
    kept, seeds = images.clone(), torch.arange(7) * 10**15
    engine = lambda own, other: matched(own, other, StatisticsOptions())  # noqa: E731 - as a caller would
    together = stylised(images, styles, seeds, engine)
    assert together.dtype == torch.uint8
    assert torch.equal(images, kept)
    alone = stylised(images[3:5], styles, seeds[3:5], engine, batch=1)
    assert (together[3:5].int() - alone.int()).abs().max() <= 1  # a sum in float32 depends on its neighbours
    assert not torch.equal(together[0], stylised(images[:1], styles, torch.tensor([5]), engine)[0])
    whole = stylised(images, images[:1], seeds, lambda _, other: other)
    assert all(torch.equal(one, images[0]) or torch.equal(one, images[0].flip(2)) for one in whole)


def test_textures_are_the_same_every_time_and_all_different() -> None:
    found = embedded_styles(32, 8)
    assert found.shape == (8, 3, 40, 40)
    assert torch.equal(found, embedded_styles(32, 8))
    assert len({one.numpy().tobytes() for one in found}) == 8
    assert all(one.float().std() > 20 for one in found)  # none is flat


def test_styles_are_read_from_a_folder_and_what_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainableError, match="no picture is in it; put some there"):
        read_styles(tmp_path, 16)
    for number, picture in enumerate(pictures(2, 50)):
        folder = tmp_path / f"painter {number}"
        folder.mkdir()
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / "one.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    styles, digest = read_styles(tmp_path, 16)
    assert styles.shape == (2, 3, 20, 20)
    assert len(digest) == 64
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(TrainableError, match=r"torn\.jpg: no picture can be read from it"):
        read_styles(tmp_path, 16)
    with pytest.raises(TrainableError, match=r"styles: .*nowhere: there is no such folder"):
        read_styles(tmp_path / "nowhere", 16)


def test_of_too_many_pictures_evenly_spaced_ones_are_taken(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(b"")
    taken = [path.name for path in picture_paths(tmp_path, "styles", most=4)]
    assert taken == ["0.png", "2.png", "5.png", "7.png"]
    assert len(picture_paths(tmp_path, "styles")) == 10


def test_bad_input_is_named() -> None:
    images, styles, seeds = pictures(2, 24), pictures(1, 24), torch.arange(2)
    engine = lambda own, _: own  # noqa: E731
    with pytest.raises(ValueError, match="want images"):
        stylised(images.float(), styles, seeds, engine)
    with pytest.raises(ValueError, match="at least as large"):
        stylised(images, pictures(1, 23), seeds, engine)
    with pytest.raises(ValueError, match=r"want \(2,\) int64 seeds"):
        stylised(images, styles, seeds[:1], engine)
    with pytest.raises(ValueError, match="texture: 2"):
        StatisticsOptions(texture=2)
    with pytest.raises(ValueError, match="sides of 16 at least"):
        transferred(noise(1, 3, 8, 8), noise(1, 3, 16, 16), Encoder(TINY), Decoder(TINY))


def test_adain_has_the_style_s_moments_and_leaves_a_style_s_own_features() -> None:
    content, style = torch.randn(2, 5, 6, 7), 3 + 2 * torch.randn(2, 5, 9, 4)
    found = adain(content, style)
    for own, wanted in zip(moments(found), moments(style), strict=True):
        assert torch.allclose(own, wanted, atol=1e-3)
    assert torch.allclose(adain(style, style), style, atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (33, 47)])
def test_transfer_keeps_the_size_and_alpha_zero_knows_no_style(size: tuple[int, int]) -> None:
    encoder, decoder = tiny_encoder(), fresh_decoder(2, TINY)
    images = noise(2, 3, *size)
    with torch.no_grad():
        plain = transferred(images, noise(2, 3, 20, 20), encoder, decoder, alpha=0)
        assert plain.shape == images.shape
        assert torch.equal(plain, transferred(images, noise(2, 3, 40, 24), encoder, decoder, alpha=0))
        assert not torch.allclose(plain, transferred(images, noise(2, 3, 20, 20), encoder, decoder), atol=1e-4)


def tiny_encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(TINY).eval()


def test_the_decoder_mirrors_the_published_one_s_channels() -> None:
    shapes = [(layer.in_channels, layer.out_channels) for layer in Decoder() if isinstance(layer, nn.Conv2d)]
    assert shapes == [(512, 256), *3 * [(256, 256)], (256, 128), (128, 128), (128, 64), (64, 64), (64, 3)]
    assert sum(isinstance(layer, nn.Upsample) for layer in Decoder()) == 3


def test_vgg_weights_are_found_by_name_and_give_its_relu4_1(tmp_path: Path) -> None:
    features = vgg.make_layers(vgg.cfgs["E"][:13])  # VGG-19 up to conv4_1
    torch.save({f"features.{name}": value for name, value in features.state_dict().items()}, tmp_path / "vgg.pth")
    encoder = vgg19_encoder(str(tmp_path / "vgg.pth"))
    assert not any(value.requires_grad for value in encoder.parameters())
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "reflect"
    images = noise(1, 3, 24, 24)
    with torch.no_grad():
        assert torch.equal(encoder(images)[-1], features[:21]((images - encoder.mean) / encoder.std))
        assert torch.equal(encoder(images)[1], features[:7]((images - encoder.mean) / encoder.std))


def test_missing_and_foreign_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainableError, match=r"AdaIN needs vgg19-.*\.pth, which is not at .*nowhere"):
        vgg19_encoder(str(tmp_path / "nowhere"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(TrainableError, match=r"features\.0\.weight has shape"):
        vgg19_encoder(str(tmp_path / "other.pth"))
    decoder = fresh_decoder(1, TINY)
    save_decoder(tmp_path / "decoder.safetensors", decoder)
    again = load_decoder(tmp_path / "decoder.safetensors", TINY)
    assert all(torch.equal(value, decoder.state_dict()[name]) for name, value in again.state_dict().items())
    with pytest.raises(TrainableError, match="has shape"):
        load_decoder(tmp_path / "decoder.safetensors")


def test_training_lowers_the_loss_and_touches_the_decoder_alone() -> None:
    encoder, decoder = tiny_encoder(), fresh_decoder(3, TINY)
    before = [value.clone() for value in encoder.parameters()]
    contents, styles = pictures(6, 32), pictures(12, 32)[6:]
    told: list[tuple[float, float]] = []
    options = DecoderTraining(steps=40, batch=4, learning_rate=3e-3)
    numbers = generator("test", "decoder")
    train_decoder(encoder, decoder, contents, styles, options, numbers, lambda _, *both: told.append(both))
    totals = torch.tensor(told) @ torch.tensor([1.0, options.style_weight])
    assert totals[-5:].mean() < 0.5 * totals[:5].mean()
    assert all(torch.equal(*pair) for pair in zip(encoder.parameters(), before, strict=True))
    assert all(value.grad is None for value in encoder.parameters())
    again = fresh_decoder(3, TINY)
    train_decoder(encoder, again, contents, styles, options, generator("test", "decoder"))
    assert all(torch.equal(*pair) for pair in zip(decoder.parameters(), again.parameters(), strict=True))


def test_a_perfect_decoder_has_no_loss_between_an_image_and_itself() -> None:
    images = noise(2, 3, 16, 16)
    perfect: Any = lambda _: images  # noqa: E731 - inverts the encoder on the one batch that there is
    assert all(loss < 1e-6 for loss in losses(tiny_encoder(), perfect, images, images))


def test_training_that_diverges_or_lacks_images_is_named() -> None:
    encoder, decoder = tiny_encoder(), fresh_decoder(3, TINY)
    contents, numbers = pictures(2, 32), generator("test")
    with pytest.raises(ValueError, match="multiples of 8"):
        train_decoder(encoder, decoder, pictures(1, 30), contents, DecoderTraining(steps=1), numbers)
    with pytest.raises(ValueError, match="want styles"):
        train_decoder(encoder, decoder, contents, contents[:0], DecoderTraining(steps=1), numbers)
    with torch.no_grad():
        next(decoder.parameters()).fill_(float("nan"))
    with pytest.raises(TrainableError, match="the decoder's loss is nan at step 0"):
        train_decoder(encoder, decoder, contents, contents, DecoderTraining(steps=1), numbers)

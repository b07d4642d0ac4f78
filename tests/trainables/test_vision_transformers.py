import pytest
import torch
from torch import nn
from torchvision import models as zoo

from trainables import models
from trainables.architectures import VISION_TRANSFORMERS
from trainables.classification.network_options import architecture
from trainables.classification.options import ClassificationOptions, read
from trainables.errors import TrainableError
from trainables.vision_transformers import vision_transformer

THIN = {"model": "vit_b_16", "width": 8, "patch_size": 8, "depth": 2}


@pytest.mark.parametrize("model", VISION_TRANSFORMERS)
def test_at_its_own_width_it_is_torchvisions(model: str) -> None:
    with torch.device("meta"):
        ours = vision_transformer(model, 10, 224, 64)
        theirs = zoo.get_model(model, weights=None, num_classes=10)
    shapes = {name: value.shape for name, value in theirs.state_dict().items()}
    assert {name: value.shape for name, value in ours.state_dict().items()} == shapes


def test_the_thin_one_has_the_width_the_blocks_and_the_patches_asked_for() -> None:
    net = models.build(ClassificationOptions(**THIN), 10, (3, 32, 32), seed=0)  # type: ignore[arg-type]
    words = 12 * 8
    assert net.get_parameter("conv_proj.weight").shape == (words, 3, 8, 8)
    assert net.get_parameter("encoder.pos_embedding").shape == (1, 1 + 4 * 4, words)
    block = 3 * words * words + words * words + 2 * 4 * words * words
    linear = sum(layer.weight.numel() for layer in net.modules() if isinstance(layer, nn.Linear))
    attention = 2 * 3 * words * words
    assert linear + attention == 2 * block + 10 * words


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "resnet18"}, "patch_size: it shapes vision transformers"),
        ({"model": "vgg11", "patch_size": 0, "depth": 0}, "width: it scales ResNets and vision transformers"),
        ({"stem": "small"}, "stem: it shapes ResNets, vit_b_16 has none"),
        ({"start": "pretrained"}, "published patch_size and depth alone"),
        ({"unfrozen_layers": 2}, "residual stages"),
    ],
)
def test_a_broken_law_is_named(changes: dict[str, object], says: str) -> None:
    with pytest.raises(TrainableError, match=says):
        read({**THIN, **changes})


def test_patches_that_do_not_fill_an_image_are_told() -> None:
    with pytest.raises(TrainableError, match="multiple: set patch_size") as caught:
        models.build(ClassificationOptions(**{**THIN, "patch_size": 7}), 10, (3, 32, 32), seed=0)  # type: ignore[arg-type]
    assert caught.value.code == "OPTION_INVALID"


def test_addresses_of_other_networks_do_not_tell_what_only_transformers_have() -> None:
    assert set(architecture(read({}))) == {"model", "width", "stem", "activation", "input_size", "head"}
    assert architecture(read(THIN)) == {**architecture(read({})), **THIN}

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trainables import models
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError

SHAPE = (3, 32, 32)


def net_of(seed: int = 0, shape: tuple[int, int, int] = SHAPE, **options: Any) -> nn.Module:
    return models.build(ClassificationOptions(**options), 10, shape, seed)


def thin(**options: Any) -> nn.Module:
    return net_of(width=4, stem="small", **options)


@pytest.mark.parametrize(
    ("model", "input_size"),
    [
        ("resnet18", 0),
        ("mobilenet_v3_small", 0),
        ("shufflenet_v2_x0_5", 0),
        ("squeezenet1_1", 0),
        ("mnasnet0_5", 0),
        pytest.param("regnet_x_400mf", 0, marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", 0, marks=pytest.mark.slow),
        pytest.param("vit_b_32", 64, marks=pytest.mark.slow),
        pytest.param("swin_t", 64, marks=pytest.mark.slow),
        pytest.param("densenet121", 0, marks=pytest.mark.slow),
        pytest.param("googlenet", 0, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", 0, marks=pytest.mark.slow),
        pytest.param("inception_v3", 96, marks=pytest.mark.slow),
        pytest.param("maxvit_t", 224, marks=pytest.mark.slow),
        pytest.param("vgg11", 0, marks=pytest.mark.slow),
        pytest.param("alexnet", 64, marks=pytest.mark.slow),
        pytest.param("resnext50_32x4d", 0, marks=pytest.mark.slow),
    ],
)
def test_networks_give_finite_scores_from_their_head(model: str, input_size: int) -> None:
    net = net_of(model=model, input_size=input_size)
    images = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scores = net(images)
    assert scores.shape == (2, 10)
    assert scores.isfinite().all()
    top = models.head(net)
    assert (top.out_features if isinstance(top, nn.Linear) else top.out_channels) == 10


def test_the_thin_resnet_is_thin() -> None:
    net = net_of(width=16, stem="small")
    assert sum(parameter.numel() for parameter in net.parameters()) < 800_000
    assert net.get_submodule("layer4.1.conv2").weight.shape == (128, 128, 3, 3)


def test_scaling_by_nothing_is_torchvisions_own() -> None:
    scaled = models._ScaledResNet(64, "imagenet", *models._BLOCKS["resnet18"][:2], num_classes=10)
    own = net_of()
    assert {name: value.shape for name, value in scaled.state_dict().items()} == {
        name: value.shape for name, value in own.state_dict().items()
    }


def test_weights_are_a_function_of_the_seed_and_no_global_state_moves() -> None:
    before = torch.random.get_rng_state()
    first, again, other = thin().state_dict(), thin().state_dict(), thin(seed=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("layers", range(6))
def test_unfrozen_layers_count_from_the_top(layers: int) -> None:
    net = thin()
    models.freeze(net, layers)
    training = {name.split(".")[0] for name, value in net.named_parameters() if value.requires_grad}
    assert training == {
        "fc",
        *["layer4", "layer3", "layer2", "layer1"][:layers],
        *(["conv1", "bn1"] if layers == 5 else []),
    }
    models.enter_training(net, layers)
    assert net.get_submodule("bn1").training == (layers == 5)
    assert net.get_submodule("layer4.0.bn1").training == (layers >= 1)


def test_activations_are_exchanged_everywhere() -> None:
    net = thin(activation="gelu")
    kinds = [type(module) for module in net.modules()]
    assert nn.ReLU not in kinds
    assert kinds.count(nn.GELU) == 9


def test_an_image_too_small_is_said_before_training() -> None:
    with pytest.raises(TrainableError, match="input_size") as caught:
        net_of(model="alexnet")
    assert caught.value.code == "OPTION_INVALID"


def test_missing_weights_say_which_file_and_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(TrainableError, match=r"resnet18-f37072fd\.pth") as caught:
        models.load_pretrained(net_of(), "resnet18")
    assert caught.value.code == "WEIGHTS_MISSING"
    assert str(tmp_path / "hub" / "checkpoints") in str(caught.value)


def test_published_weights_fill_all_but_the_head(tmp_path: Path) -> None:
    published = models.build(ClassificationOptions(), 1000, SHAPE, seed=5)
    torch.save(published.state_dict(), tmp_path / "weights.pth")
    net = net_of()
    fresh = net.get_parameter("fc.weight").clone()
    models.load_pretrained(net, "resnet18", str(tmp_path / "weights.pth"))
    assert torch.equal(net.get_parameter("fc.weight"), fresh)
    assert torch.equal(net.get_parameter("layer4.1.conv2.weight"), published.get_parameter("layer4.1.conv2.weight"))


@pytest.mark.parametrize("kept", [False, True])
def test_a_head_of_1000_classes_of_the_datas_own_is_not_the_published_one(tmp_path: Path, kept: bool) -> None:
    published = models.build(ClassificationOptions(), 1000, SHAPE, seed=5)
    torch.save(published.state_dict(), tmp_path / "weights.pth")
    net = models.build(ClassificationOptions(head="kept" if kept else "fresh"), 1000, SHAPE, 0)
    stayed = models.load_pretrained(net, "resnet18", str(tmp_path / "weights.pth"), keep_head=kept)
    assert stayed == (frozenset() if kept else {"fc.weight", "fc.bias"})
    assert torch.equal(net.get_parameter("fc.weight"), published.get_parameter("fc.weight")) == kept


def test_a_kept_head_has_the_published_outputs_however_few_classes_there_are() -> None:
    assert models.head(thin(head="kept")).weight.shape[0] == 1000
    assert models.head(models.build(ClassificationOptions(head="kept"), 2, SHAPE, 0)).weight.shape[0] == 1000
    with pytest.raises(TrainableError, match=r"1000 outputs.*1001 classes") as caught:
        models.build(ClassificationOptions(head="kept"), 1001, SHAPE, 0)
    assert caught.value.code == "OPTION_INVALID"


def test_a_kept_head_wants_published_weights_that_have_it(tmp_path: Path) -> None:
    torch.save(net_of().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(TrainableError, match=r"fc\.(weight|bias)") as caught:
        models.load_pretrained(net_of(head="kept"), "resnet18", str(tmp_path / "weights.pth"), keep_head=True)
    assert caught.value.code == "CKPT_CORRUPT"


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("payload-ran"),))


def test_a_pickle_payload_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": Payload()}, tmp_path / "weights.pth")
    with pytest.raises(TrainableError) as caught:
        models.load_pretrained(net_of(), "resnet18", str(tmp_path / "weights.pth"))
    assert caught.value.code == "CKPT_CORRUPT"
    assert not (tmp_path / "payload-ran").exists()


@pytest.mark.parametrize(("side", "shape"), [(48, (3, 32, 32)), (0, (3, 64, 96))])
def test_a_transformer_that_cannot_cut_its_patches_says_so(side: int, shape: tuple[int, int, int]) -> None:
    with pytest.raises(TrainableError, match="input_size") as caught:
        models.build(ClassificationOptions(model="vit_b_32", input_size=side), 10, shape, 0)
    assert caught.value.code == "OPTION_INVALID"


def test_a_file_in_the_hubs_cache_is_what_its_name_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    torch.save(models.build(ClassificationOptions(), 1000, SHAPE, seed=5).state_dict(), file)
    with pytest.raises(TrainableError, match="not as its name says") as caught:
        models.load_pretrained(net_of(), "resnet18")
    assert caught.value.code == "CKPT_CORRUPT"
    models.check_name(file.rename(file.with_name(f"own-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth")))

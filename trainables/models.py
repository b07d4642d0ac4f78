"""Networks: built by name from a seed, loaded, and frozen by residual stages."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch
import torchvision.models as zoo
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from trainables.architectures import HEAD_ONLY, OWN_WIDTH, RESNETS, VISION_TRANSFORMERS, WHOLE_NET
from trainables.checkpoints import check_shapes, load
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.subsampling import exchange_narrow
from trainables.vision_transformers import vision_transformer

_BLOCKS: Final[Mapping[str, tuple[Any, list[int], dict[str, int]]]] = {
    "resnet18": (BasicBlock, [2, 2, 2, 2], {}),
    "resnet34": (BasicBlock, [3, 4, 6, 3], {}),
    "resnet50": (Bottleneck, [3, 4, 6, 3], {}),
    "resnet101": (Bottleneck, [3, 4, 23, 3], {}),
    "resnet152": (Bottleneck, [3, 8, 36, 3], {}),
    "resnext50_32x4d": (Bottleneck, [3, 4, 6, 3], {"groups": 32, "width_per_group": 4}),
    "resnext101_32x8d": (Bottleneck, [3, 4, 23, 3], {"groups": 32, "width_per_group": 8}),
    "resnext101_64x4d": (Bottleneck, [3, 4, 23, 3], {"groups": 64, "width_per_group": 4}),
    "wide_resnet50_2": (Bottleneck, [3, 4, 6, 3], {"width_per_group": 128}),
    "wide_resnet101_2": (Bottleneck, [3, 4, 23, 3], {"width_per_group": 128}),
}
PUBLISHED_OUTPUTS: Final = 1000
"""Classes of torchvision's published networks, all of which a kept head keeps."""
_REPLACEABLE: Final = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.ELU, nn.Mish)
_ACTIVATIONS: Final[Mapping[str, Any]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
}


class _Resize:
    """A forward pre-hook, so that names in the state dict stay those of the network itself."""

    def __init__(self, side: int) -> None:
        self._size = (side, side)

    def __call__(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        images = inputs[0]
        return (nn.functional.interpolate(images, self._size, mode="bilinear", antialias=True),)


class _ScaledResNet(ResNet):  # type: ignore[misc]
    """A ResNet whose stages have `width` times 1, 2, 4, 8 channels."""

    def __init__(self, width: int, stem: str, block: Any, layers: list[int], **arguments: Any) -> None:
        self._width = width
        super().__init__(block, layers, **arguments)
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        else:
            stride = 2 if stem == "strided" else 1
            self.conv1 = nn.Conv2d(3, width, 3, stride=stride, padding=1, bias=False)
            self.maxpool = nn.Identity()
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width * block.expansion, arguments["num_classes"])

    def _make_layer(self, block: Any, planes: int, *arguments: Any, **keywords: Any) -> nn.Sequential:
        if planes == OWN_WIDTH:
            self.inplanes = self._width
        layer: nn.Sequential = super()._make_layer(block, planes * self._width // OWN_WIDTH, *arguments, **keywords)
        return layer


@contextlib.contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Code that can only draw from torch's global generators draws from `seed` inside; their states return after it."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def build(options: ClassificationOptions, classes: int, image_shape: tuple[int, int, int], seed: int) -> nn.Module:
    """A network with fresh weights that are a function of options, classes and seed alone, in evaluation mode.

    Args:
        options: those that shape the network are read, `ARCHITECTURE`.
        classes: of the data; outputs of the head, unless it is kept.
        image_shape: (3, height, width) of the images that will come.
        seed: of the initial weights.

    Raises:
        TrainableError: OPTION_INVALID, where the network cannot take such images or such a width, or where a kept head
            has fewer outputs than there are classes.
    """
    side, outputs = options.input_size or image_shape[1], _outputs(options, classes)
    try:
        with own_randomness(seed, torch.device("cpu")):
            net = _construct(options, outputs, side)
        exchange_activations(net, options.activation)
        exchange_narrow(net)
        if options.input_size:
            net.register_forward_pre_hook(_Resize(options.input_size))
        net.eval()
        with torch.no_grad():
            net(torch.zeros(2, *image_shape))
    except (RuntimeError, ValueError, AssertionError) as error:  # torch and torchvision check sizes with any of them
        problem = str(error).splitlines()[0]
        raise TrainableError(
            "OPTION_INVALID",
            f"model: {options.model} of width {options.width} cannot take images of side {side} ({problem}); "
            "set another width or input_size",
        ) from error
    return net


@contextlib.contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Every module is in evaluation mode inside, and in its own mode again afterwards, also after an exception."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def head(net: nn.Module) -> nn.Linear | nn.Conv2d:
    """The layer that makes the class scores: the last linear or convolutional one."""
    layers = [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return layers[-1]


def head_names(net: nn.Module) -> frozenset[str]:
    """Names of the head's parameters in the net's state."""
    own = list(head(net).parameters())
    return frozenset(name for name, value in net.named_parameters() if any(value is mine for mine in own))


def trainable_modules(net: nn.Module, unfrozen_layers: int) -> list[nn.Module]:
    """The modules that train: the head, and `unfrozen_layers` residual stages from the top; 5 means the whole net.

    A net without residual stages knows 0 (the head) and 5 (the whole).
    """
    if unfrozen_layers == WHOLE_NET:
        return [net]
    if unfrozen_layers == HEAD_ONLY or not isinstance(net, ResNet):
        return [head(net)]
    stages = [net.layer4, net.layer3, net.layer2, net.layer1]
    return [net.fc, *stages[:unfrozen_layers]]


def freeze(net: nn.Module, unfrozen_layers: int) -> None:
    """Lets gradients reach the trainable modules alone."""
    net.requires_grad_(False)
    for module in trainable_modules(net, unfrozen_layers):
        module.requires_grad_(True)


def enter_training(net: nn.Module, unfrozen_layers: int) -> None:
    """Puts the trainable modules in training mode and the rest in evaluation mode: its batch norm does not learn."""
    net.eval()
    for module in trainable_modules(net, unfrozen_layers):
        module.train()


def load_pretrained(net: nn.Module, model: str, path: str = "", *, keep_head: bool = False) -> frozenset[str]:
    """Fills a net with torchvision's default weights; never downloads.

    Args:
        net: built without another width or stem.
        model: its torchvision name.
        path: file with those weights; empty means the place where torch's hub keeps them.
        keep_head: whether the published head comes too. A head of the data's own classes stays fresh even where it has
            1000 outputs: they mean other classes.

    Returns:
        As `load_body`.

    Raises:
        TrainableError: WEIGHTS_MISSING with the file's name and place; CKPT_CORRUPT where it holds something else, or
            is not what its name in the hub's cache says.
    """
    url = zoo.get_model_weights(model).DEFAULT.url
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    file = Path(path) if path else cached
    if not file.is_file():
        raise TrainableError(
            "WEIGHTS_MISSING",
            f"start = 'pretrained' needs {Path(url).name}, which is not at {file}; fetch {url} and put it at {cached}, "
            "or set pretrained_path",
        )
    if not path:
        check_name(file)
    weights = published_weights(file)
    tops = head_names(net)
    if keep_head:
        check_shapes(weights, {name: net.get_parameter(name).shape for name in tops}, str(file), others_allowed=True)
        return load_body(net, weights, str(file))
    return load_body(net, {name: value for name, value in weights.items() if name not in tops}, str(file))


def check_name(file: Path) -> None:
    """Lets a file pass whose SHA-256 begins as its name says, as in `resnet18-f37072fd.pth`.

    Raises:
        TrainableError: CKPT_CORRUPT.
    """
    promised = file.stem.rpartition("-")[2]
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(promised):
        raise TrainableError(
            "CKPT_CORRUPT",
            f"{file}: its SHA-256 begins with {found[: len(promised)]}, not as its name says; fetch it again, or name "
            "weights of your own by their path",
        )


def load_body(net: nn.Module, weights: Mapping[str, Tensor], where: str) -> frozenset[str]:
    """Copies all weights but the head's into the net; the head's too where they are there and fit.

    Returns:
        The names that stayed fresh: those of the head, or none.

    Raises:
        TrainableError: CKPT_CORRUPT, naming what is missing or has another shape.
    """
    own = net.state_dict()
    tops = head_names(net)
    fits = all(name in weights and weights[name].shape == own[name].shape for name in tops)
    # Weights published before batch norm counted its batches lack that counter.
    wanted = {
        name: value.shape
        for name, value in own.items()
        if not (name in tops and not fits) and not (name.endswith("num_batches_tracked") and name not in weights)
    }
    check_shapes(weights, wanted, where, others_allowed=True)
    with torch.no_grad():
        for name in wanted:
            own[name].copy_(weights[name])
    return frozenset() if fits else tops


def _outputs(options: ClassificationOptions, classes: int) -> int:
    if options.head == "fresh":
        return classes
    if classes > PUBLISHED_OUTPUTS:
        raise TrainableError(
            "OPTION_INVALID",
            f"head: a kept head has {PUBLISHED_OUTPUTS} outputs, the data have {classes} classes; set head = 'fresh'",
        )
    return PUBLISHED_OUTPUTS


def published_weights(file: Path) -> Mapping[str, Tensor]:
    """Tensors by name of a file as torchvision publishes them, or of a safetensors file.

    Raises:
        TrainableError: CKPT_CORRUPT, where it holds something else.
    """
    if file.suffix == ".safetensors":
        return load(file)[0]
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)  # tensors alone: no code can come with them
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, UnpicklingError) as error:
        problem = type(error).__name__
        raise TrainableError(
            "CKPT_CORRUPT", f"{file}: no file of tensors alone ({problem}); take torchvision's"
        ) from error
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise TrainableError("CKPT_CORRUPT", f"{file}: no mapping of names to tensors; take torchvision's own file")
    return weights


def _construct(options: ClassificationOptions, classes: int, side: int) -> nn.Module:
    if options.model in RESNETS and (options.width != OWN_WIDTH or options.stem != "imagenet"):
        block, layers, more = _BLOCKS[options.model]
        return _ScaledResNet(options.width, options.stem, block, layers, num_classes=classes, **more)
    if options.model in VISION_TRANSFORMERS:
        return vision_transformer(options.model, classes, side, options.width, options.patch_size, options.depth)
    arguments: dict[str, Any] = {"num_classes": classes}
    if options.model == "maxvit_t":
        arguments["input_size"] = (side, side)
    if options.model in ("googlenet", "inception_v3"):
        arguments |= {"aux_logits": False, "init_weights": True}
    net: nn.Module = zoo.get_model(options.model, weights=None, **arguments)
    return net


def exchange_activations(net: nn.Module, name: str) -> None:
    """Puts the activation of that name in the place of every other one inside the net; "own" leaves them."""
    if name == "own":
        return
    for parent in net.modules():
        for child_name, child in parent.named_children():
            if isinstance(child, _REPLACEABLE):
                setattr(parent, child_name, _ACTIVATIONS[name]())

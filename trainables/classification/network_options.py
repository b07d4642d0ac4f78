"""What can be set of a classification network and of where its weights start. Torch-free."""

import dataclasses
from typing import Any, Final

from trainables.architectures import (
    ACTIVATIONS,
    HEAD_ONLY,
    MODELS,
    OWN_WIDTH,
    RESNETS,
    SCALABLE,
    VISION_TRANSFORMERS,
    WHOLE_NET,
    WITH_BUILT_IN_ACTIVATIONS,
)
from trainables.laws import option

_ALWAYS_TOLD: Final = ("model", "width", "stem", "activation", "input_size", "head")
_OF_TRANSFORMERS: Final = ("patch_size", "depth")
ARCHITECTURE: Final = (*_ALWAYS_TOLD, *_OF_TRANSFORMERS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The part of a trial's options that shapes its network before training."""

    model: str = option("string", "resnet18", "torchvision classification network", enum=list(MODELS))
    width: int = option(
        "integer",
        OWN_WIDTH,
        "channels of a ResNet's first stage, or of each head of a vision transformer, whose other layers shrink alike; "
        "16 is the thin variant",
        minimum=4,
        maximum=256,
    )
    stem: str = option(
        "string",
        "imagenet",
        "a ResNet's entry: 'imagenet' (7x7, stride 2, pooled), or for images of 32 pixels 'small' (3x3, stride 1) or "
        "'strided' (3x3, stride 2: a third of the arithmetic)",
        enum=["imagenet", "small", "strided"],
    )
    patch_size: int = option(
        "integer",
        0,
        "side in pixels of a vision transformer's patches; 0 is the published one, 4 to 8 suit images of 32 pixels",
        minimum=0,
        maximum=64,
    )
    depth: int = option(
        "integer", 0, "blocks of a vision transformer; 0 is the published number", minimum=0, maximum=64
    )
    input_size: int = option(
        "integer",
        0,
        "side in pixels that images are resized to before the network; 0 keeps theirs",
        minimum=0,
        maximum=1024,
    )
    activation: str = option(
        "string", "own", "activation function in place of the network's; 'own' leaves it", enum=list(ACTIVATIONS)
    )
    head: str = option(
        "string",
        "fresh",
        "last layer: 'fresh' has one output for each class of the data, 'kept' is the network's own of 1000 outputs, "
        "of which the first are the data's classes",
        enum=["fresh", "kept"],
    )
    start: str = option(
        "string",
        "scratch",
        "initial weights: random, preparation's baseline, torchvision's, those of the data set's self-supervised "
        "pretext task, or those of checkpoint_path",
        enum=["scratch", "baseline", "pretrained", "pretext", "checkpoint"],
    )
    pretrained_path: str = option(
        "string", "", "torchvision weight file for start = 'pretrained'; empty means torch's hub cache", fixed=True
    )
    checkpoint_path: str = option("string", "", "safetensors file for start = 'checkpoint'", fixed=True)
    unfrozen_layers: int = option(
        "integer",
        WHOLE_NET,
        "residual stages that train, from the top; the head always does; 5 adds the stem",
        minimum=HEAD_ONLY,
        maximum=WHOLE_NET,
    )


def architecture(options: NetworkOptions) -> dict[str, Any]:
    """Values of `ARCHITECTURE` by name, as addresses and checkpoints tell them.

    The options of transformers are left out where they have their defaults, so that what was made before they were
    there keeps its address.
    """
    named = [*_ALWAYS_TOLD, *(name for name in _OF_TRANSFORMERS if getattr(options, name))]
    return {name: getattr(options, name) for name in named}


def conflicts(options: NetworkOptions) -> list[str]:
    """What is wrong with several of the options at once, a line each."""
    model, found = options.model, []
    if options.width != OWN_WIDTH and model not in SCALABLE:
        found.append(f"width: it scales ResNets and vision transformers, not {model}; leave it out")
    if options.stem != "imagenet" and model not in RESNETS:
        found.append(f"stem: it shapes ResNets, {model} has none; leave it out")
    found += [
        f"{name}: it shapes vision transformers (vit_*), not {model}; leave it out"
        for name in _OF_TRANSFORMERS
        if getattr(options, name) and model not in VISION_TRANSFORMERS
    ]
    if options.activation != "own" and model in WITH_BUILT_IN_ACTIVATIONS:
        found.append(f"activation: {model} has its function built in; use 'own'")
    return found


def has_published_shape(options: NetworkOptions) -> bool:
    """Whether weights are published for a network of this shape."""
    scaled = options.width != OWN_WIDTH or options.stem != "imagenet"
    return not (scaled or any(getattr(options, name) for name in _OF_TRANSFORMERS))

"""Names of the architectures that a trainer can build and what they are made of, known without importing torch."""

from typing import Final

HEAD_ONLY: Final = 0
WHOLE_NET: Final = 5
OWN_WIDTH: Final = 64
"""Channels of a published ResNet's first stage, and of each head of most published vision transformers."""

RESNETS: Final = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
)

# Their code calls `functional.relu`, which no exchange of modules can reach.
WITH_BUILT_IN_ACTIVATIONS: Final = (
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "googlenet",
    "inception_v3",
)

VISION_TRANSFORMERS: Final = tuple(f"vit_{size}" for size in ("b_16", "b_32", "h_14", "l_16", "l_32"))
SCALABLE: Final = (*RESNETS, *VISION_TRANSFORMERS)
"""What can be built in another width than the published one."""

MODELS: Final = (
    *RESNETS,
    *WITH_BUILT_IN_ACTIVATIONS,
    "alexnet",
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    *(f"efficientnet_b{size}" for size in range(8)),
    *(f"efficientnet_v2_{size}" for size in "sml"),
    "maxvit_t",
    *(f"mnasnet{depth}" for depth in ("0_5", "0_75", "1_0", "1_3")),
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    *(f"regnet_{kind}_{size}" for kind in "xy" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
    "regnet_y_128gf",
    *(f"shufflenet_v2_x{depth}" for depth in ("0_5", "1_0", "1_5", "2_0")),
    "squeezenet1_0",
    "squeezenet1_1",
    *(f"swin_{size}" for size in "tsb"),
    *(f"swin_v2_{size}" for size in "tsb"),
    *(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")),
    *VISION_TRANSFORMERS,
)

ACTIVATIONS: Final = ("own", "relu", "leaky_relu", "elu", "gelu", "silu", "mish")

NOISE_LAYERS: Final = ("conv", "batch_norm", "norm", "linear")
"""Types of layers whose weights noise can reach; `norm` is every norm, batch norms among them."""


def layers_of(model: str) -> tuple[str, ...]:
    """Those of NOISE_LAYERS that a network has with weights, by the name of its model."""
    if model.startswith("squeezenet"):
        return ("conv",)
    if model == "alexnet" or (model.startswith("vgg") and not model.endswith("_bn")):
        return ("conv", "linear")
    if model.startswith(("convnext", "swin", "vit")):
        return ("conv", "norm", "linear")
    return NOISE_LAYERS


def is_transformer(model: str) -> bool:
    """Whether a network's convolutions do no more than cut images into patches: what computes is linear."""
    return model.startswith(("swin", "vit"))

"""What can be set of a segmentation network and of where its weights start. Torch-free."""

import dataclasses
from typing import Final

from trainables.architectures import ACTIVATIONS, HEAD_ONLY, OWN_WIDTH, RESNETS, WHOLE_NET
from trainables.laws import option

ARCHITECTURE: Final = (
    "encoder",
    "encoder_width",
    "stem",
    "decoder_width",
    "activation",
    "deep_supervision",
    "classification_guided",
)
ENCODER: Final = ("encoder", "encoder_width", "stem", "activation")
"""Those of them that shape the encoder."""
PLAIN: Final = "unet"
LAYERS: Final = ("conv", "batch_norm", "norm")
"""Types of layers with weights, as noise targets name them, that the network has with any encoder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The part of a trial's options that shapes its network before training."""

    encoder: str = option(
        "string",
        "resnet34",
        "encoder of UNet3+: a torchvision ResNet, or 'unet' for the one of its paper",
        enum=[*RESNETS, PLAIN],
    )
    encoder_width: int = option(
        "integer", OWN_WIDTH, "channels of the encoder's first stage; 16 is the thin variant", minimum=4, maximum=256
    )
    stem: str = option(
        "string",
        "imagenet",
        "a ResNet encoder's entry: 'imagenet' (7x7, stride 2, pooled), or for small images 'strided' (3x3, stride 2) "
        "or 'small' (3x3, stride 1)",
        enum=["imagenet", "small", "strided"],
    )
    decoder_width: int = option(
        "integer",
        OWN_WIDTH,
        "channels that a decoder node takes from each of the five scales; 64 in the paper",
        minimum=1,
        maximum=256,
    )
    activation: str = option(
        "string", "own", "activation function of every layer; 'own' is ReLU", enum=list(ACTIVATIONS)
    )
    deep_supervision: bool = option("boolean", False, "train class scores of every scale of the decoder too")
    classification_guided: bool = option(
        "boolean", False, "lower the scores of classes that an image lacks, as the coarsest map says"
    )
    start: str = option(
        "string",
        "scratch",
        "initial weights: random, an encoder of torchvision's, one of the data set's own pretext task (no labels, no "
        "images of any split), or those of checkpoint_path",
        enum=["scratch", "pretrained", "pretext", "checkpoint"],
    )
    pretrained_path: str = option(
        "string", "", "torchvision weight file for start = 'pretrained'; empty means torch's hub cache", fixed=True
    )
    checkpoint_path: str = option("string", "", "safetensors file for start = 'checkpoint'", fixed=True)
    unfrozen_layers: int = option(
        "integer",
        WHOLE_NET,
        "stages of the encoder that train, from the top; the decoder always does; 5 adds the stem",
        minimum=HEAD_ONLY,
        maximum=WHOLE_NET,
    )


def conflicts(options: NetworkOptions) -> list[str]:
    """What is wrong with several of the options at once, a line each."""
    found = []
    plain = options.encoder == PLAIN
    if plain and options.stem != "imagenet":
        found.append(f"stem: it shapes ResNets, the encoder {PLAIN!r} has none; leave it out")
    if options.start == "pretrained" and plain:
        found.append(f"start: no weights are published for the encoder {PLAIN!r}; use a ResNet, or another start")
    elif options.start == "pretrained" and (options.encoder_width != OWN_WIDTH or options.stem != "imagenet"):
        found.append(f"start: pretrained weights fit encoder_width {OWN_WIDTH} and stem 'imagenet' alone")
    if options.start == "pretext" and plain:
        found.append(
            f"start: the pretext task trains ResNets, the encoder is {PLAIN!r}; use a ResNet, or another start"
        )
    if options.start == "checkpoint" and not options.checkpoint_path:
        found.append("checkpoint_path: start = 'checkpoint' needs a safetensors file here")
    return found

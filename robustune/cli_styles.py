"""The commands about stylised images: `styles train-decoder`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from trainables.perturbations.stylisation.decoder_options import DecoderTraining

styles_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train what stylised images are made by.",
    epilog="Example: robustune styles train-decoder --content photos --styles paintings --out decoder.safetensors",
)

_USUAL: Final = DecoderTraining()


@styles_app.callback()
def styles() -> None:
    """Train what stylised images are made by."""


@styles_app.command(
    "train-decoder",
    epilog="Example: robustune styles train-decoder --content photos --styles paintings --out decoder.safetensors",
)
def styles_train_decoder(
    content: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures to be shown in styles.")],
    styles: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures to take styles from.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Decoder to write, as safetensors.")],
    encoder: Annotated[
        str, typer.Option(metavar="FILE", help="torchvision's VGG-19 weights. [default: torch's hub cache]")
    ] = "",
    steps: Annotated[int, typer.Option(help="Steps of the optimiser.")] = _USUAL.steps,
    batch: Annotated[int, typer.Option(help="Images of a step, and as many styles.")] = _USUAL.batch,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels, a multiple of 8.")] = _USUAL.size,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", help="Adam's, which falls slowly.")
    ] = _USUAL.learning_rate,
    style_weight: Annotated[
        float, typer.Option("--style-weight", help="Weight of the style loss beside the content loss.")
    ] = _USUAL.style_weight,
    seed: Annotated[int, typer.Option(help="Seed of initial weights and of the pairs.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out where it is there.")] = False,
) -> None:
    """Train AdaIN's decoder on pictures of your own, for studies with stylisation = 'adain'.

    Nothing is written before training ends; a folder of more than 4,096 pictures gives 4,096 of them.
    """
    from robustune.errors import Mistake
    from robustune.styles import train_decoder
    from trainables.errors import TrainableError

    try:
        options = DecoderTraining(
            steps=steps, batch=batch, size=size, learning_rate=learning_rate, style_weight=style_weight
        )
    except TrainableError as error:
        raise Mistake.of(error, "styles train-decoder", "OPTION_INVALID") from error
    train_decoder((content, styles), out, overwrite, encoder, options, seed)

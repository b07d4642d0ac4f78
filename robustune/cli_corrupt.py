"""The command `corrupt`: a folder of images under the 19 common corruptions, as a tool of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustune.arguments import cpus

if TYPE_CHECKING:
    from trainables.corrupting.making import Made
    from trainables.corrupting.recipe import Recipe

Source = Annotated[
    Path, typer.Argument(metavar="PATH", help="An image, or a folder of images that is searched with all below it.")
]
Severities = Annotated[
    list[int], typer.Option("--severity", metavar="1-5", help="How strong, 1 (weak) to 5; may come again.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the output, outside PATH.")]
Corruptions = Annotated[
    list[str] | None,
    typer.Option(
        "--corruption", metavar="NAME", help="As ImageNet-C names it, such as fog; may come again. [default: all 19]"
    ),
]
Constants = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the severities mean: imagenet-c, imagenet-c-original, tiny-imagenet-c or cifar-10-c.",
    ),
]
IceFolder = Annotated[
    Path | None, typer.Option("--ice", metavar="DIR", help="PNG and JPEG pictures of ice for frost. [default: our own]")
]
CorruptionSeed = Annotated[int, typer.Option("--seed", help="Of all random draws.")]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Resize the short side to N pixels first and keep the N by N in the centre. [default: images keep their "
        "size, 32 to 512 pixels a side]",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        metavar="png|jpeg",
        help="png stores each pixel as the corruption gave it; jpeg, at quality 85 as the published sets have it, adds "
        "its own artefacts to every corruption and takes a tenth of the disk.",
    ),
]
SkipUnreadable = Annotated[
    bool,
    typer.Option("--skip-unreadable", help="Leave images out that cannot be read or are too small or too large."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files of the output that are there.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Keep files of the output that are there and make the others: after Ctrl-C.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads that corrupt and write. [default: one for each CPU]")]


def corrupt(
    path: Source,
    severity: Severities,
    out: Out,
    corruption: Corruptions = None,
    constants: Constants = "imagenet-c",
    ice: IceFolder = None,
    seed: CorruptionSeed = 0,
    size: Size = None,
    format: Format = "png",
    skip_unreadable: SkipUnreadable = False,
    overwrite: Overwrite = False,
    resume: Resume = False,
    workers: Workers = None,
) -> None:
    """Corrupt images by noise, blur, weather and digital faults, as ImageNet-C does.

    Each image is written as DIR/CORRUPTION/SEVERITY/its/path/below/PATH, the layout of the published sets, and
    DIR/CORRUPTION/SEVERITY.json says how. Its random draws follow from the seed, the corruption, the severity and its
    path alone, so that other images change nothing.
    """
    from rich.console import Console

    from robustune.bars import bars
    from robustune.errors import Mistake, printable
    from robustune.pictures import check_writable
    from trainables.corrupting.recipe import Recipe
    from trainables.errors import TrainableError

    try:
        recipe = Recipe(tuple(severity), tuple(corruption or ()), constants, ice, seed, size, format)
        check_writable(out)
        from trainables.corrupting.making import Treatment, make  # late: it takes torch along

        treatment = Treatment(workers or cpus(), skip_unreadable, overwrite, resume)
        with bars(Console(stderr=True)) as progress:
            made = make(path, out, recipe, treatment, progress)
    except TrainableError as error:
        raise Mistake.of(error, "corrupt", "DATA_INVALID") from error
    typer.echo(printable(_told(made, recipe, out)))


def _told(made: "Made", recipe: "Recipe", out: Path) -> str:
    corruptions = len({cell.corruption for cell in recipe.cells})
    severities = sorted({cell.severity for cell in recipe.cells})
    rate = made.written / max(made.seconds, 1e-9)
    images = f"{made.written:,} image{'s' * (made.written != 1)}"
    told = (
        f"{images} in {out}: {made.pictures:,} under {corruptions} corruption{'s' * (corruptions > 1)} "
        f"at severit{'ies' if len(severities) > 1 else 'y'} {', '.join(map(str, severities))}, {rate:.1f} images/s"
    )
    for count, what in (
        (made.kept, "already there"),
        (len(made.left_out), "left out"),
        (made.others, "files that are no images"),
    ):
        if count:
            told += f"; {what}: {count:,}"
    return told

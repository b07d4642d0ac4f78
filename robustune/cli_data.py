"""The commands about data sets: `data list`, `data add`, `data build` and `data remove`."""

from pathlib import Path
from typing import Annotated

import typer

from robustune.arguments import Results, Storage, cpus

data_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, add, build and remove data sets.",
    epilog="Example: robustune data add image-folder photos --size 64",
)

Format = Annotated[
    str,
    typer.Argument(
        metavar="FORMAT",
        help="image-folder, imagenet20, tiny-imagenet, cifar10 or cifar100; with a class for every pixel: voc2012, "
        "voc2012-aug, sbd or image-masks; or a corrupted test set: imagenet-c, tiny-imagenet-c or cifar-10-c.",
    ),
]
Source = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="Folder, or archive (zip, tar, tar.gz, tar.bz2, tar.xz), in the official layout; image-folder has a "
        "folder for each class, image-masks the folders images and masks, at its top or below train and val or test; "
        "of a corrupted test set also a folder with its archives.",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name that studies give. [default: the format, or the folder's name]")]
Size = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Resize the short side of each image to N pixels and keep the N by N in the centre; with masks the long "
        "side, N at most, and nothing is cut off.",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="Classes to take; of a corrupted set also `imagenet20`: its 20 animals. [default: all; imagenet20: its 20 "
        "animals]",
    ),
]
Corruptions = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="Corruptions of a corrupted test set to take. [default: the fifteen, and those of the four extra ones "
        "that are there]",
    ),
]
Validation = Annotated[
    float | None, typer.Option(help="Share of validation. [default: 0.1 of what trains, or half of the official val]")
]
Test = Annotated[
    float | None, typer.Option(help="Share of test. [default: 0.1, a quarter of the official val, or half of test]")
]
HoldOut = Annotated[float | None, typer.Option("--hold-out", help="Share of the hold-out split. [default: as test]")]
SkipUnreadable = Annotated[
    bool,
    typer.Option("--skip-unreadable", help="Leave images out that cannot be read: counted, and named in data.json."),
]
Flips = Annotated[
    bool | None,
    typer.Option(
        "--flips/--no-flips", help="Whether a mirrored image still shows its class; digits do not. [default: flips]"
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads that decode. [default: one for each CPU]")]


@data_app.command("list", epilog="Example: robustune data list")
def data_list() -> None:
    """List the data sets that a study can name, a line each: built-in ones, and those of the library."""
    from robustune.data import listed

    for line in listed():
        typer.echo(line)


@data_app.command("add", epilog="Example: robustune data add tiny-imagenet tiny-imagenet-200.zip")
def data_add(
    layout: Format,
    path: Source,
    name: Name = None,
    size: Size = None,
    classes: Classes = None,
    validation: Validation = None,
    test: Test = None,
    hold_out: HoldOut = None,
    skip_unreadable: SkipUnreadable = False,
    flips: Flips = None,
    corruptions: Corruptions = None,
    workers: Workers = None,
) -> None:
    """Add images of your own to the library, where every study finds them by name.

    The library is the folder that ROBUSTUNE_DATA names, or ~/.local/share/robustune/data. Images are divided into
    train, validation, test and hold-out by their content, class by class; equal images never stand in two splits.

    Sets with masks (voc2012, voc2012-aug, sbd, image-masks) are data of trainer = "segmentation". Their images keep
    their shape, and smaller ones are padded: with 0, and with void (255) in the masks.

    A corrupted test set (imagenet-c, tiny-imagenet-c, cifar-10-c) is not divided. `robustune evaluate` measures
    corruption errors on it where a study names it: corruption_test_data = "NAME" in [options].
    """
    from robustune.data import add

    shares = {"validation": validation, "test": test, "holdout": hold_out}
    choices = {
        "size": size,
        "classes": _parts(classes),
        "corruptions": _parts(corruptions),
        "shares": {split: share for split, share in shares.items() if share is not None},
        "skip_unreadable": skip_unreadable,
        "flips_keep_labels": flips,
        "workers": workers or cpus(),
    }
    for line in add(layout, path, name, choices):
        typer.echo(line)


@data_app.command("build", epilog="Example: robustune data build embedded-digits")
def data_build(
    name: Annotated[str, typer.Argument(metavar="DATA", help="Name of a data set.")],
    storage: Storage = None,
    results: Results = "results",
) -> None:
    """Build a data set into the store, where every study finds it, and say what is in it."""
    from robustune.data import build
    from robustune.settings import Settings

    for line in build(name, Settings(results, storage=storage)):
        typer.echo(line)


@data_app.command("remove", epilog="Example: robustune data remove photos")
def data_remove(name: Annotated[str, typer.Argument(metavar="DATA", help="Name of an added data set.")]) -> None:
    """Take a data set out of the library; studies that have used it keep it."""
    from robustune.data import remove

    for line in remove(name):
        typer.echo(line)


def _parts(listed: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (listed or "").split(",") if part.strip())

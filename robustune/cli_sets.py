"""The commands about sets of images: `sets build`, `sets show`, and `evaluate`, which scores trials on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustune.arguments import Address, BaselineFrom, BegunName, Gpus, Results, Seed, Storage, StudyName, TrackingUri

if TYPE_CHECKING:
    from robustune.sets import Built

sets_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Build and show the sets of perturbed images of a study.",
    epilog="Example: robustune sets build adversarial --baseline-from baseline-fine",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print everything that was measured, as JSON.")]
SetName = Annotated[str | None, typer.Option("--set", metavar="NAME", help="Set to show. [default: every one]")]
Count = Annotated[int, typer.Option(min=1, max=64, help="Images of each set.")]
Out = Annotated[Path, typer.Option("--out", help="Folder that gets a folder of pictures for every set.")]
TrialNumbers = Annotated[
    list[int] | None, typer.Option("--trial", metavar="NUMBER", help="Trial; may come again. [default: the front]")
]

NoiseScales = Annotated[
    str | None,
    typer.Option(
        "--noise-scales",
        metavar="SCALES",
        help="Of segmentation under noisy weights, as 0.05,0.1; 0 and the trial's own come with them. [default: 0.05 "
        "to 0.4]",
    ),
]


@sets_app.command("build", epilog="Example: robustune sets build adversarial --baseline-from baseline-fine")
def sets_build(
    study: StudyName,
    baseline_from: BaselineFrom = None,
    seed: Seed = None,
    address: Address = None,
    storage: Storage = None,
    gpus: Gpus = 0.0,
    as_json: AsJson = False,
    results: Results = "results",
) -> None:
    """Build every set of a study, hold-out sets included, unless it is there, and say what is in it."""
    from robustune.baseline import as_begun
    from robustune.screen import Screen
    from robustune.sets import build
    from robustune.settings import Settings

    settings = Settings(results, address, storage, gpus_per_trial=gpus)
    screen = Screen(progress=not as_json)
    _show_built(build(as_begun(study, seed, baseline_from, settings, screen.say), settings, screen), as_json)


@sets_app.command("show", epilog="Example: robustune sets show quickstart --set fooling-20 --out pictures")
def sets_show(
    study: StudyName,
    out: Out,
    set_name: SetName = None,
    count: Count = 8,
    baseline_from: BaselineFrom = None,
    seed: Seed = None,
    address: Address = None,
    storage: Storage = None,
    gpus: Gpus = 0.0,
    results: Results = "results",
) -> None:
    """Draw examples: clean, perturbation step by step, perturbed, and from which class to which."""
    from robustune.baseline import as_begun
    from robustune.pictures import check_writable, draw
    from robustune.screen import Screen
    from robustune.sets import examples
    from robustune.settings import Settings

    settings = Settings(results, address, storage, gpus_per_trial=gpus)
    screen = Screen(progress=True)
    check_writable(out)
    chosen = as_begun(study, seed, baseline_from, settings, screen.say)
    for path in draw(examples(chosen, set_name, count, settings, screen), out):
        screen.say(str(path))


def evaluate(
    study: BegunName,
    trial: TrialNumbers = None,
    every: Annotated[bool, typer.Option("--all", help="All trials that spent their full epochs.")] = False,
    noise_scales: NoiseScales = None,
    address: Address = None,
    storage: Storage = None,
    gpus: Gpus = 0.0,
    tracking_uri: TrackingUri = None,
    results: Results = "results",
) -> None:
    """Score trials on images that no search saw: perturbed, corrupted, or clean ones under noisy weights."""
    from rich.console import Console

    from robustune.errors import Mistake
    from robustune.evaluation import evaluate as run
    from robustune.screen import Screen
    from robustune.settings import Settings

    if every and trial:
        raise Mistake("OPTION_INVALID", "--all: it takes every trial, --trial some of them; give one of the two")
    scales = _scales(noise_scales)
    settings = Settings(results, address, storage, tracking_uri, gpus_per_trial=gpus)
    screen, console = Screen(progress=True), Console(highlight=False, markup=False)
    done = run(study, "all" if every else trial or (), settings, screen, scales)
    for place, part in enumerate(done.shown):
        if place:
            console.print()
        console.print(part.table)
        for line in part.notes:
            console.print(line)
    for name, path in done.paths.items():
        screen.say(f"{name}: {path}")


def _scales(given: str | None) -> tuple[float, ...]:
    from robustune.errors import Mistake

    if given is None:
        return ()
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError as error:
        raise Mistake(
            "OPTION_INVALID", f"--noise-scales {given!r}: expected numbers from 0 to 1 with commas, as 0,0.05,0.1"
        ) from error


def _show_built(built: "Built", as_json: bool) -> None:
    import dataclasses
    import json

    from rich.console import Console

    from robustune.progress import told
    from robustune.sets import corrupted_lines, table

    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(built), indent=2))
        return
    typer.echo(f"baseline{told(built.baseline)}")
    Console(highlight=False).print(table(built.sets))
    for line in corrupted_lines(built):
        typer.echo(line)
    there = len(built.sets) + len(built.corrupted) - built.new
    if built.new:
        typer.echo(f"built {built.new} sets; {there} were there already")
    else:
        typer.echo(f"nothing to build: all {there} sets were there already")

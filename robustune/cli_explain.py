"""The command `explain`: what the networks of trials do inside, as figures, tables and one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from robustune.arguments import BegunName, Results, Storage, TrackingUri

TrialNumbers = Annotated[
    list[int] | None,
    typer.Option(
        "--trials",
        metavar="NUMBER...",
        help="Trials with their full epochs, as --trials 3 17. [default: the best of the front by each objective]",
    ),
]
MoreNumbers = Annotated[list[str] | None, typer.Argument(hidden=True, metavar="NUMBER")]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--image", metavar="PATH", help="Any image file, which the networks are shown. [default: a validation image]"
    ),
]
Perturbation = Annotated[
    str,
    typer.Option(
        "--perturbation",
        metavar="NAME",
        help="Of the image beside it: a corruption, as fog, or fooling-RATE, as fooling-20, or gaussian, both made "
        "against the baseline, or the first trial where there is none.",
    ),
]
Severity = Annotated[int | None, typer.Option(min=1, max=5, help="Of a corruption. [default: 3]")]
Images = Annotated[int, typer.Option(min=4, help="Validation images that CKA is measured on.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of all files. [default: explain in the study's]")
]


def explain(
    study: BegunName,
    more: MoreNumbers = None,
    trials: TrialNumbers = None,
    image: Picture = None,
    perturbation: Perturbation = "motion_blur",
    severity: Severity = None,
    images: Images = 512,
    out: Out = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    results: Results = "results",
) -> None:
    """Show what trials' networks do inside: activations, CKA, weights, filters, feature maps, beside the baseline's."""
    from robustune.errors import Mistake
    from robustune.screen import Screen
    from robustune.settings import Settings
    from trainables.perturbation_names import complaint, is_attack

    wanted = [*(trials or ()), *_numbers(more or (), bool(trials))]
    if told := complaint(perturbation):
        raise Mistake("OPTION_INVALID", f"--perturbation {perturbation!r}: {told}")
    if severity is not None and is_attack(perturbation):
        would = "leave it out, or name a corruption"
        raise Mistake("OPTION_INVALID", f"--severity {severity}: {perturbation} has none; {would}")
    screen = Screen(progress=True)
    from analysis.explain.explaining import Asked  # late: it takes torch along
    from robustune.explaining import explain as run

    asked = Asked(image, perturbation, severity or 3, images)
    settings = Settings(results, storage=storage, tracking_uri=tracking_uri)
    done = run(study, wanted, asked, settings, screen, out)
    for note in done.notes:
        screen.say(note)
    for name, path in done.paths.items():
        screen.say(f"{name}: {path}")


def _numbers(more: Sequence[str], after_trials: bool) -> list[int]:
    """The numbers after the first one of `--trials 3 17`, which a shell hands over like names."""
    from robustune.errors import Mistake

    wrong = [text for text in more if not text.isdecimal()]
    if wrong or (more and not after_trials):
        told = wrong[0] if wrong else more[0]
        raise Mistake("OPTION_INVALID", f"{told}: the study comes first, then numbers after --trials, as --trials 3 17")
    return [int(text) for text in more]

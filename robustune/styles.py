"""Trains AdaIN's decoder for the command `robustune styles train-decoder`, and shows how it goes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from robustune.checks import unwritable
from robustune.errors import Mistake
from trainables.errors import TrainableError
from trainables.perturbations.stylisation.decoder_options import DecoderTraining

LINES: Final = 20  # of a whole training, where there is no terminal

Told = Callable[[int, float, float], None]


def train_decoder(
    folders: tuple[Path, Path],
    out: Path,
    overwrite: bool,
    encoder: str,
    options: DecoderTraining,
    seed: int,
    console: Console | None = None,
) -> None:
    """Trains a decoder on a folder of content and one of styles, and writes it, whole or not at all.

    Args:
        folders: content and styles.
        out: the file.
        overwrite: whether a file that is there may be replaced.
        encoder: torchvision's VGG-19 file; empty means torch's hub cache.
        options: of training.
        seed: of initial weights and pairs.
        console: gets a bar where it is a terminal, else lines; standard output where None.

    Raises:
        Mistake: RESULTS_UNWRITABLE, OPTION_INVALID, WEIGHTS_MISSING, CKPT_CORRUPT.
    """
    _check_out(out, overwrite)
    from trainables.perturbations.stylisation.decoder_file import Folders, write_decoder  # late: it takes torch along

    shown = console or Console(highlight=False, markup=False)

    def begin(contents: int, styles: int) -> None:
        shown.print(f"{contents:,} content images and {styles:,} styles of {options.size}x{options.size} pixels")

    try:
        with _telling(shown, options) as tell:
            write_decoder(Folders(*folders), out, encoder, options, seed, begin, tell)
    except TrainableError as error:
        raise Mistake.of(error, "styles train-decoder", "OPTION_INVALID") from error
    shown.print(f"decoder: {out}", soft_wrap=True)


def _check_out(out: Path, overwrite: bool) -> None:
    if out.is_dir():
        raise Mistake("OPTION_INVALID", f"--out {out}: is a folder; name a file in it")
    if out.exists() and not overwrite:
        raise Mistake("OPTION_INVALID", f"--out {out}: is there already; name another file, or give --overwrite")
    if found := unwritable(out.parent, "--out"):
        raise Mistake("RESULTS_UNWRITABLE", found[0])


@contextmanager
def _telling(console: Console, options: DecoderTraining) -> Iterator[Told]:
    """Yields what is told of each step: it moves a bar, or prints the mean losses of each twentieth of the steps."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[losses]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        row = bars.add_task("", total=options.steps, losses="")
        since: list[tuple[float, float]] = []

        def tell(step: int, content: float, style: float) -> None:
            since.append((content, style))
            if console.is_terminal:
                bars.update(row, completed=step + 1, losses=_losses(since[-LINES:]))
                del since[:-LINES]
            elif step in (0, options.steps - 1) or (step + 1) * LINES // options.steps > step * LINES // options.steps:
                console.print(f"step {step + 1:,} of {options.steps:,}: {_losses(since)}")
                since.clear()

        yield tell


def _losses(told: list[tuple[float, float]]) -> str:
    content, style = (sum(values) / len(told) for values in zip(*told, strict=True))
    return f"content loss {content:.4g}, style loss {style:.4g}"

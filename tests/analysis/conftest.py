"""Ledgers of made-up searches, written by the real writer."""

import math
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from robustune.ledger import Ledger
from search_spaces.domains import Choice, LogUniform, Subset, Uniform, Whole, active
from search_spaces.study import Budget, Constraint, Objective, Sampler, Study
from trainables.corruption_overlaps import EXTRA, GROUPS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OBJECTIVES = (
    Objective("clean_accuracy", "max", 0.5),
    Objective("mce", "min", 1.2),
    Objective("pgd_accuracy", "max", 0.0),
)

SCORES = (
    "clean_accuracy",
    "perturbed_training_accuracy",
    "perturbed_validation_accuracy",
    "pgd_accuracy",
    "weight_noise_accuracy",
)


def a_study(objectives: int = 2, name: str = "made-up", trials: int = 24, transforms: tuple[str, ...] = ()) -> Study:
    return Study(
        name=name,
        description="Digits on photographs: clean accuracy against corruption error",
        trainer="classification",
        data="embedded-digits",
        space={
            "batch_size": Choice((8, 16, 32, 64)),
            "learning_rate": LogUniform(1e-5, 1e-2),
            "unfrozen_layers": Whole(0, 5),
            "noise_scale": Uniform(0, 0.2),
            "transform": Choice(transforms or ("none", "crop_flip", "augmix")),
            "fooling_rates": Subset((5, 20, 100)),
            "extra_share": Uniform(0.1, 1.0, when={"fooling_rates": "nonempty"}),
        },
        objectives=OBJECTIVES[:objectives],
        constraints=(Constraint("clean_accuracy", at_least=0.6),),
        measure=("pgd_accuracy",),
        budget=Budget(trials, 9),
        seed=7,
        source='trainer = "classification"\n',
    )


def searched(folder: Path, study: Study, seed: int = 0, reason: str = "epoch 2: the loss is nan") -> Path:
    """Writes a whole search: complete trials, some stopped at epoch 3, every ninth failed."""
    draw = random.Random(seed)
    with Ledger.create(folder, study, {"torch": "2.14.1"}) as ledger:
        ledger.record_set("data", "ab" * 32, {"images": 1347})
        for number in range(study.budget.trials):
            config = _config(draw, study)
            ledger.ask(number, config, seed=1000 + number, attributes={})
            if number % 9 == 8:
                ledger.report(number, 1, _scores(draw, config, 1, study), 4.0, 0.5)
                ledger.fail(number, "NONFINITE", reason)
                continue
            last = 3 if draw.random() < 0.35 else study.budget.epochs
            for epoch in range(1, last + 1):
                end = None if epoch < last else ("complete" if last == study.budget.epochs else "stopped")
                path = f"checkpoints/{number:05d}/epoch-{epoch:05d}.safetensors"
                checkpoint = {"path": path, "sha256": "0" * 64, "bytes": 12} if epoch in (3, 9) else None
                ledger.report(number, epoch, _scores(draw, config, epoch, study), 4.0, 0.5, checkpoint, end)
    return folder


def _config(draw: random.Random, study: Study) -> dict[str, object]:
    transforms = study.space["transform"]
    assert isinstance(transforms, Choice)
    config: dict[str, object] = {
        "batch_size": draw.choice((8, 16, 32, 64)),
        "learning_rate": 10 ** draw.uniform(-5, -2),
        "unfrozen_layers": draw.randint(0, 5),
        "noise_scale": draw.uniform(0, 0.2),
        "transform": draw.choice(transforms.values),
        "fooling_rates": [rate for rate in (5, 20, 100) if draw.random() < 0.5],
    }
    if config["fooling_rates"]:
        config["extra_share"] = draw.uniform(0.1, 1.0)
    return config


def _scores(draw: random.Random, config: dict[str, object], epoch: int, study: Study) -> dict[str, float]:
    taught = 1 - math.exp(-epoch / 2.5)
    noise = float(str(config["noise_scale"])) * 5
    jitter = draw.gauss(0, 0.02)
    clean = (0.55 + 0.38 * taught - 0.18 * noise**1.6) + jitter
    found = {
        "clean_accuracy": clean,
        "mce": 1.1 - 0.5 * noise * taught + 0.4 * abs(draw.gauss(0, 0.15)),
        "pgd_accuracy": 0.1 + 0.5 * noise * taught + draw.gauss(0, 0.03),
    }
    return {name: found[name] for name in study.metrics}


def a_grid(space: dict[str, Any], trials: int = 0, name: str = "grid", **changes: Any) -> Study:
    """A grid over the space that records the five scores of the classification trainer, one of them its objective."""
    kept: dict[str, Any] = {
        "name": name,
        "description": "Grid in closed form",
        "trainer": "classification",
        "data": "embedded-digits",
        "space": space,
        "objectives": (Objective("clean_accuracy", "max", 0.1),),
        "measure": SCORES[1:],
        "budget": Budget(trials or 12, 4),
        "sampler": Sampler("grid"),
        "source": 'trainer = "classification"\n',
    }
    return Study(**{**kept, **changes})


def gridded(
    folder: Path,
    study: Study,
    score: Callable[[dict[str, Any], str, int], float],
    failed: int = -1,
    left: int = 0,
    conditions: bool = False,
) -> Path:
    """Writes a whole grid whose scores are a function of configuration, metric and epoch, in a shuffled order.

    Args:
        folder: of the study.
        study: a grid.
        score: what a trial reports.
        failed: number of the trial that fails after its first epoch.
        left: how many of the last configurations are not tried.
        conditions: whether configurations without some option are tried too, as a grid with conditions has them.
    """
    every = [
        dict(zip(study.space, point, strict=True)) for point in product(*(one.grid() for one in study.space.values()))
    ]
    if conditions:
        kept = [{name: one[name] for name in one if active(study.space, one, name)} for one in every]
        every = list({repr(one): one for one in kept}.values())
    every = [config for config in every if all(active(study.space, config, name) for name in config)]
    random.Random(study.seed).shuffle(every)
    with Ledger.create(folder, study, {"torch": "2.14.1"}) as ledger:
        for number, config in enumerate(every[: len(every) - left]):
            plain = {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
            ledger.ask(number, plain, seed=number, attributes={})
            for epoch in range(1, study.budget.epochs + 1):
                if number == failed and epoch == 2:
                    ledger.fail(number, "NONFINITE", "epoch 2: the loss is nan")
                    break
                scores = {name: score(config, name, epoch) for name in study.metrics}
                ledger.report(
                    number, epoch, scores, 4.0, 0.5, None, "complete" if epoch == study.budget.epochs else None
                )
    return folder


Rate = Callable[[int, str, int], float]


def grows(trial: int, corruption: str, severity: int) -> float:
    """Errors that grow with severity, differ between corruptions, and are lower for higher trials."""
    base = 0.12 + 0.02 * (len(corruption) % 7)
    return round(min(1.0, base + 0.09 * severity) * (1.0 if trial < 0 else 1.05 - 0.1 * trial), 6)


def error_table(
    study: Study,
    trials: Sequence[int],
    rate: Rate = grows,
    overlap: Mapping[str, str] | None = None,
    seen: Sequence[str] = EXTRA,
) -> pa.Table:
    """`corruption-errors.parquet` of the trials and the baseline."""
    rows = [
        {
            "trial": trial,
            "corruption": name,
            "group": group,
            "severity": severity,
            "error": rate(trial, name, severity),
            "baseline_error": rate(-1, name, severity),
            "seen": name in seen,
            "overlap": (overlap or {}).get(name, ""),
        }
        for trial in (-1, *trials)
        for group, names in GROUPS.items()
        for name in names
        for severity in (1, 2, 3, 4, 5)
    ]
    return pa.Table.from_pylist(rows).replace_schema_metadata({"study": study.digest})


def write_evaluation(
    folder: Path, study: Study, trials: Sequence[Mapping[str, Any]], rate: Rate = grows, **told: Any
) -> pa.Table:
    """Writes both files of an evaluation into a study's folder; returns the errors."""
    errors = error_table(study, [row["number"] for row in trials], rate, **told)
    pq.write_table(errors, folder / "corruption-errors.parquet")
    lines = []
    for row in trials:
        kept = {name: value for name, value in row.items() if name.startswith(("options.", "metrics."))}
        ce = {
            name: sum(rate(row["number"], name, s) for s in (1, 2, 3, 4, 5))
            / (sum(rate(-1, name, s) for s in (1, 2, 3, 4, 5)) or math.nan)
            for names in GROUPS.values()
            for name in names
        }
        seen = told.get("seen", EXTRA)
        unseen = [value for name, value in ce.items() if name not in seen]
        lines.append(
            {
                "number": row["number"],
                **kept,
                "accuracy.original": 0.9,
                "accuracy.test": 0.9 - 0.01 * row["number"],
                "images.original": 1000,
                "images.test": 500,
                "corruption.mce_unseen": sum(unseen) / len(unseen),
                "corruption.mce_all": sum(ce.values()) / len(ce),
                "corruption.mce_without_overlap": sum(ce.values()) / len(ce),
                "corruption.relative_mce_unseen": 1.0,
                **{f"corruption.ce.{name}": value for name, value in ce.items()},
            }
        )
    table = pa.Table.from_pylist(lines).replace_schema_metadata({"study": study.digest})
    pq.write_table(table, folder / "evaluation.parquet")
    return errors


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a grid of a given study into a folder of its own: `grid(study, score)`."""
    return lambda study, score, **how: gridded(tmp_path_factory.mktemp("results") / study.name, study, score, **how)


@pytest.fixture(scope="session")
def grid_of() -> Callable[..., Study]:
    """Makes grids: `grid_of({"batch_size": Choice((8, 16))})`."""
    return a_grid


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished search with two objectives."""
    return searched(tmp_path_factory.mktemp("results") / "made-up", a_study())


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., Path]:
    """Writes a search of a given study into a folder of its own."""
    return lambda study, **how: searched(tmp_path / study.name, study, **how)


@pytest.fixture(scope="session")
def write_search() -> Callable[..., Path]:
    """Writes a search of a given study into a given folder: `write_search(folder, study)`."""
    return searched


@pytest.fixture(scope="session")
def study_of() -> Callable[..., Study]:
    """Makes studies: `study_of(objectives=3)`."""
    return a_study


@pytest.fixture(scope="session")
def error_rows() -> Callable[..., pa.Table]:
    """Makes tables of errors: `error_rows(study, [0, 3])`; `rate(trial, corruption, severity)` is the error."""
    return error_table


@pytest.fixture(scope="session")
def error_rate() -> Rate:
    """The errors that the tables have where nothing else is asked for."""
    return grows


@pytest.fixture(scope="session")
def evaluation() -> Callable[..., pa.Table]:
    """Writes what an evaluation leaves into a study's folder: `evaluation(folder, study, rows of trials)`."""
    return write_evaluation


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a window; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page offline and fails at the end if the browser complained about anything."""
    complaints: list[str] = []
    contexts = []

    def open_page(path: Path, width: int = 1280, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []

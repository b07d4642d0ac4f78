"""What every test relies on: a data library of its own, whatever this machine has; made-up confirmations."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.confirmation import Confirmation
from analysis.confirmation.record import HYPERVOLUME, SCORES, SPREAD, points_schema
from analysis.front import front, hypervolume, scores
from search_spaces.study import Study

SHARED = ("prepared", "empty_database")
"""Fixtures that take seconds and last a session: whoever needs one runs in the process that has made it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells pytest-xdist which tests stay together: those of a file, and files that need the same costly fixture."""
    files: dict[Path, str] = {}
    for item in items:
        group = next((name for name in SHARED if name in getattr(item, "fixturenames", ())), item.path.as_posix())
        files[item.path] = group if group in SHARED else files.get(item.path, group)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(files[item.path]))


@pytest.fixture(autouse=True, scope="session")
def _empty_library(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBUSTUNE_DATA", str(tmp_path_factory.mktemp("library")))
        yield


@pytest.fixture(scope="session")
def confirmation_of() -> Callable[..., Confirmation]:
    """Makes confirmations: `confirmation_of(trials, study, fallen=[3])`; `write` puts one into a folder."""
    return made_up_confirmation


def made_up_confirmation(
    trials: pa.Table, study: Study, fallen: Sequence[int] = (), lost: float = 0.02
) -> Confirmation:
    """A confirmation of the searched front by plain made-up numbers: every mean is worse by `lost` than promised.

    Args:
        trials: of `analysis.records.trials`.
        study: theirs.
        fallen: trials of the searched front that are not on the confirmed one.
        lost: of every objective; intervals are 0.01 to both sides.
    """
    members = front(trials, study)
    numbers = members["number"].to_pylist()
    names = [one.metric for one in study.objectives]
    promised = scores(members, study)
    worse = np.array([-lost if one.goal == "max" else lost for one in study.objectives])
    means = promised + worse
    stands = [number not in fallen for number in numbers]
    columns: dict[str, object] = {"trial": numbers, "seeds": [5] * len(numbers)}
    for place, name in enumerate(names):
        columns[f"promised.{name}"] = promised[:, place]
        columns[f"mean.{name}"] = means[:, place]
        columns[f"low.{name}"], columns[f"high.{name}"] = means[:, place] - 0.01, means[:, place] + 0.01
        columns[f"fresh.{name}"] = means[:, place]
        columns[f"se.{name}"] = np.full(len(numbers), 0.005)
    columns["probability"] = [0.9 if stood else 0.04 for stood in stands]
    columns["searched"], columns["confirmed"] = [True] * len(numbers), stands
    columns["fell"] = [not stood for stood in stands]
    table = [(number, name, place, row) for row, number in enumerate(numbers) for place, name in enumerate(names)]
    cells = [means[row, place] for _, _, place, row in table]
    said, found = hypervolume(promised, study.objectives), hypervolume(means[stands], study.objectives)
    true = 0.98 * found
    return Confirmation(
        points=pa.table(columns, schema=points_schema(names)),
        scores=pa.table(
            {
                "trial": [number for number, *_ in table],
                "metric": [name for _, name, *_ in table],
                "mean": cells,
                "low": [cell - 0.01 for cell in cells],
                "high": [cell + 0.01 for cell in cells],
                "se": [0.005] * len(cells),
                "df": [20.0] * len(cells),
                "seeds": [5] * len(cells),
                "sources": [300] * len(cells),
            },
            schema=SCORES,
        ),
        hypervolume=pa.table(
            {
                "promised": [said],
                "confirmed": [found],
                "corrected": [true],
                "low": [0.95 * true],
                "high": [1.05 * true],
                "gap": [said - true],
                "optimism": [found - true],
            },
            schema=HYPERVOLUME,
        ),
        sd=pa.table(
            {
                "metric": names,
                "score": [0.01] * len(names),
                "seeds": [0.009] * len(names),
                "sources": [0.3] * len(names),
                "residual": [0.2] * len(names),
            },
            schema=SPREAD,
        ),
    )

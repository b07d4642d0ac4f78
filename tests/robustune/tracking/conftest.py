"""Real ledgers, and an empty MLflow database made once: migrating a fresh one takes seconds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from robustune.ledger import Ledger
from search_spaces import Budget, Choice, EarlyStopping, LogUniform, Objective, Study, Subset


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    from robustune.tracking import environment

    environment.settle()
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def results(tmp_path, empty_database) -> Path:
    folder = tmp_path / "re sults"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    return folder


@pytest.fixture
def study() -> Study:
    return Study(
        name="demo",
        description="hostile <script>alert(1)</script> [x](http://evil)",
        trainer="classification",
        data="digits",
        options={"model": "resnet18"},
        space={
            "learning_rate": LogUniform(low=1e-5, high=1e-2),
            "fooling_rates": Subset(values=(5, 20)),
            "batch_size": Choice(values=(8, 16)),
        },
        objectives=(
            Objective(metric="clean_accuracy", goal="max", reference=0.0),
            Objective(metric="mce", goal="min", reference=1.2),
        ),
        budget=Budget(trials=4, epochs=2),
        early_stopping=EarlyStopping(name="pareto_halving"),
        seed=7,
        source='trainer = "classification"\n',
    )


@pytest.fixture
def begun(results, study) -> Callable[[], Ledger]:
    """Opens the ledger of the study."""
    return lambda: Ledger.create(results / study.name, study, {"python": "3"})

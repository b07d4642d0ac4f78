"""How a study is run, as against what it is: none of this changes a result."""

from dataclasses import dataclass
from pathlib import Path

from trainables.storage import below, is_uri


@dataclass(frozen=True)
class Settings:
    """Where results, shared files and tracking go, and what each trial gets.

    `storage` is a path or a `pyarrow.fs` URI that every node reaches; None means the results folder.
    `concurrency` None means as many trials as fit.
    """

    results: str = "results"
    address: str | None = None
    storage: str | None = None
    tracking_uri: str | None = None
    cpus_per_trial: float = 1.0
    gpus_per_trial: float = 0.0
    concurrency: int | None = None

    @property
    def results_folder(self) -> Path:
        """The absolute results folder."""
        return Path(self.results).absolute()

    @property
    def tracking(self) -> str:
        """The MLflow tracking URI: the one named, or a SQLite file in the results folder."""
        return self.tracking_uri or f"sqlite:///{self.results_folder / 'mlflow.db'}"

    @property
    def shared(self) -> str:
        """Absolute root of what every node must reach."""
        if self.storage is None:
            return str(self.results_folder)
        if not is_uri(self.storage):
            return str(Path(self.storage).absolute())
        stripped = self.storage.rstrip("/")
        return stripped if is_uri(stripped) else self.storage  # a scheme alone, which is refused as what it is

    @property
    def segments(self) -> str | None:
        """Where every commit of the ledger is published once more: the storage, where one is named."""
        return None if self.storage is None else self.shared

    @property
    def store(self) -> str:
        """Root of the content-addressed store, which studies share."""
        return below(self.shared, "store")

    def checkpoints(self, study: str) -> str:
        """Root of a study's checkpoints."""
        return below(self.shared, study, "checkpoints")

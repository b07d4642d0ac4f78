"""Writes the report of a study anew, whatever became of the study, of its front and of its runs in MLflow."""

from collections.abc import Mapping
from pathlib import Path

from analysis import report as reports
from analysis.evaluated import Damaged
from analysis.links import DELETED
from analysis.schema import LedgerError
from robustune.checks import stored
from robustune.errors import Mistake, readable
from robustune.settings import Settings
from robustune.tracking import deleted_runs, run_links


def report(study: str, settings: Settings, out: Path | None = None) -> Mapping[str, Path]:
    """Writes tables, figures and the page of a study, and returns their paths by file name.

    A study without a front has a report too, which says what there is; so has one that runs. Where a run was deleted in
    MLflow, the page says so in place of its link.

    Args:
        study: name of one that was begun, or its folder.
        settings: where its results and its tracking are.
        out: folder of the files; None: the study's own.

    Raises:
        Mistake: STUDY_MISSING, STATE_CORRUPT or RESULTS_UNWRITABLE.
    """
    with readable():
        folder = stored(study, settings)
        target = out or folder
        tracking = settings.tracking_uri or Settings(str(folder.parent)).tracking
        try:
            return reports.write_to(folder, target, _links(folder, tracking))
        except LedgerError:
            raise
        except Damaged as error:
            raise Mistake("RESULTS_UNWRITABLE", f"{folder}: {error}") from error
        except OSError as error:
            raise Mistake(
                "RESULTS_UNWRITABLE",
                f"{target}: the report cannot be written ({error}); make room, or give another folder by --out",
            ) from error


def _links(folder: Path, uri: str) -> dict[int, dict[str, str]]:
    gone = deleted_runs(folder, uri)
    return {
        trial: {DELETED: ""} if trial in gone else {"MLflow run": address}
        for trial, address in run_links(folder, uri).items()
    }

"""Sends what the ledger records to MLflow, in the background; the ledger itself is the spool."""

from robustune.tracking.background import Tracking
from robustune.tracking.destination import probe
from robustune.tracking.links import deleted_runs, run_links, ui_address

__all__ = ["Tracking", "deleted_runs", "probe", "run_links", "ui_address"]

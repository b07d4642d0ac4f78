"""Sends what the ledger records to MLflow, in the background; the ledger itself is the spool."""

from robustune.tracking.background import Tracking
from robustune.tracking.destination import probe
from robustune.tracking.links import run_links, ui_address

__all__ = ["Tracking", "probe", "run_links", "ui_address"]

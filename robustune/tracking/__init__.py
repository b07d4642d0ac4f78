"""Sends what the ledger records to MLflow, in the background; the ledger itself is the spool."""

from robustune.tracking.background import Tracking
from robustune.tracking.destination import probe

__all__ = ["Tracking", "probe"]

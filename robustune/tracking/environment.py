"""What the process tells MLflow through its environment: short waits, no chatter, nothing that runs foreign code."""

import os
from typing import Final

# With the server down, one call of MLflow waits 246 s by default. A refused connection is known at once; the timeout
# is longer than a proxy's usual delay, because a request that is given up may still be carried out.
CLIENT: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "40",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
SERVER: Final = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def settle() -> None:
    """Sets what MLflow reads from this process's environment, where the user has not set it."""
    for name, value in CLIENT.items():
        os.environ.setdefault(name, value)


def silence_this_thread() -> None:
    """Keeps MLflow's and Alembic's log lines of the calling thread from the terminal; other threads keep theirs."""
    from mlflow.utils.logging_utils import should_suppress_logs_in_thread

    should_suppress_logs_in_thread.set(True)  # type: ignore[no-untyped-call]

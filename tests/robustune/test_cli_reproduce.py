"""Laws of the command `reproduce` that hold before a trial is trained."""

import pytest
from typer.testing import CliRunner

from robustune.cli import app


@pytest.mark.parametrize("threads", ["0", "1025", "100000000"])
def test_numbers_of_threads_that_no_process_could_start_are_refused(threads: str) -> None:
    ended = CliRunner().invoke(app, ["reproduce", "any", "--trial", "0", "--threads", threads])
    assert ended.exit_code == 2
    assert "--threads" in ended.output

"""What every test relies on: a data library of its own, whatever the user of this machine has added to theirs."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _empty_library(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBUSTUNE_DATA", str(tmp_path_factory.mktemp("library")))
        yield

"""What a check says of options that are lawful one by one."""

from pathlib import Path

import pytest

from robustune import checks
from robustune.errors import Mistake
from robustune.settings import Settings
from search_spaces import shipped


def test_options_that_do_not_go_together_are_told_without_words_of_the_library_that_checks_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(shipped()["quickstart"].read_text().replace("[options]", "[options]\ncorruptions = []", 1))
    with pytest.raises(Mistake, match=r"mine: options: corruptions: it is empty") as raised:
        checks.check(checks.read(path), Settings(str(tmp_path / "results")))
    assert raised.value.code == "STUDY_INVALID"

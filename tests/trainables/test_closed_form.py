import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from trainables.closed_form import ClosedFormTrainer
from trainables.errors import TrainableError
from trainables.registry import vocabulary

UNIT = st.floats(0, 1)


def trainer(seed: int = 1, epochs: int = 4, **options: Any) -> ClosedFormTrainer:
    return ClosedFormTrainer(
        options=options,
        sets={},
        store=None,  # type: ignore[arg-type]  # nothing is read
        metrics=("accuracy", "robustness"),
        seed=seed,
        epochs=epochs,
        threads=1,
    )


def trained(made: ClosedFormTrainer, epochs: int) -> ClosedFormTrainer:
    for _ in range(epochs):
        made.train_epoch()
    return made


@given(angle=UNIT, loss=UNIT)
def test_the_scores_lie_on_the_circle_that_loss_and_epochs_leave(angle: float, loss: float) -> None:
    scores = trained(trainer(angle=angle, loss=loss, speed=2.0), 4).score()
    radius = (1 - loss) * (1 - math.exp(-2.0))
    assert math.hypot(scores["accuracy"], scores["robustness"]) == pytest.approx(radius, abs=1e-12)


def test_only_the_metrics_asked_for_are_scored() -> None:
    made = ClosedFormTrainer({}, {}, None, ("robustness",), 1, 4, 1)  # type: ignore[arg-type]
    assert list(trained(made, 1).score()) == ["robustness"]


def test_the_region_that_diverges_says_so() -> None:
    with pytest.raises(TrainableError) as raised:
        trainer(loss=0.9, diverges_above=0.8).train_epoch()
    assert raised.value.code == "NONFINITE"


@pytest.mark.parametrize(
    ("content", "metadata"),
    [(b"\x80\x04K\x01.", None), (b"", None), (None, None), (None, {"epoch": "2"}), (None, {"robustune": "[" * 9999})],
)
def test_a_file_that_is_no_checkpoint_is_named(
    tmp_path: Path, content: bytes | None, metadata: dict[str, str] | None
) -> None:
    if content is None:
        save_file({}, tmp_path / "state", metadata=metadata)
    else:
        (tmp_path / "state").write_bytes(content)
    with pytest.raises(TrainableError) as raised:
        trainer().load(tmp_path / "state")
    assert raised.value.code == "CKPT_CORRUPT"
    with pytest.raises(TrainableError) as raised:
        trainer().load(tmp_path / "none")
    assert raised.value.code == "CKPT_MISSING"


@pytest.mark.parametrize("options", [{"angel": 0.5}, {"angle": 2}, {"angle": "0.5"}])
def test_unlawful_options_are_said_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(TrainableError, match="ang") as raised:
        trainer(**options)
    assert raised.value.code == "OPTION_INVALID"


def test_an_epoch_that_diverged_is_not_counted() -> None:
    made = trainer(loss=0.9, diverges_above=0.8)
    with pytest.raises(TrainableError, match="epoch 1"):
        made.train_epoch()
    assert made.epoch == 0


def test_the_vocabulary_names_its_options_and_metrics() -> None:
    said = vocabulary("closed-form")
    assert set(said["metrics"]) == {"accuracy", "robustness"}
    assert said["options"]["noise"]["fixed"]

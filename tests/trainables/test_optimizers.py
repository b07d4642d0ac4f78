import pytest
import torch
from torch import nn

from trainables import optimizers
from trainables.classification.options import ClassificationOptions
from trainables.models import build

PLAIN = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def thin() -> nn.Module:
    net = build(ClassificationOptions(width=4, stem="strided"), 10, (3, 16, 16), 0)
    return net.to(memory_format=torch.channels_last).train()


@pytest.mark.parametrize("name", PLAIN)
def test_one_kernel_for_all_parameters_steps_as_torchs_loop_over_them(name: str) -> None:
    options = ClassificationOptions(optimizer=name, learning_rate=1e-2, weight_decay=0.1)
    net, twin = thin(), thin()
    extra = {"momentum": options.momentum} if name == "sgd" else {}
    slow = PLAIN[name](twin.parameters(), 1e-2, weight_decay=0.1, foreach=False, fused=False, **extra)
    fast = optimizers.optimizer(net, options)
    numbers = torch.Generator().manual_seed(0)
    for _ in range(4):
        images = torch.randn(4, 3, 16, 16, generator=numbers).to(memory_format=torch.channels_last)
        twin(images).square().mean().backward()
        # Equal gradients: Adam divides by them, so that a difference in their last bit could turn a step around.
        for parameter, other in zip(net.parameters(), twin.parameters(), strict=True):
            assert other.grad is not None
            parameter.grad = other.grad.clone()
            assert parameter.grad.stride() == parameter.stride()
        for optimizer in (fast, slow):
            optimizer.step()
        slow.zero_grad()
        for parameter, other in zip(net.parameters(), twin.parameters(), strict=True):
            assert torch.allclose(parameter, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "expected"), [("constant", [1, 1, 1]), ("cosine", [1, 0.5, 0]), ("step", [1, 0.1, 0.01])]
)
def test_schedules_at_start_half_and_end(schedule: str, expected: list[float]) -> None:
    options = ClassificationOptions(schedule=schedule, learning_rate=0.3)
    rates = [optimizers.learning_rate(options, progress) for progress in (0.0, 0.5, 1.0)]
    assert rates == pytest.approx([0.3 * share for share in expected])

"""One thread, and the small networks that the tests look into."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + x)


def network(inplace: bool = False, colours: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(colours, 6, 5),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace),
        nn.Conv2d(6, 6, 3),
        nn.ReLU(inplace),
        Residual(),
        nn.Flatten(),
        nn.Linear(6 * 10 * 10, 4),
    ).eval()


MEAN, STD, SIZE = [0.5, 0.4, 0.6], [0.25, 0.2, 0.3], 16
WHERE = {"mean": MEAN, "std": STD, "input_size": SIZE}


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def normalised(pixels: Tensor) -> Tensor:
    mean, std = torch.tensor([MEAN, STD])[..., None, None]
    return (pixels - mean) / std

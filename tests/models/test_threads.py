"""Tracing a network leaves the networks alone that other threads run at that moment."""

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from invis.models.trace import trace


class Meanwhile(nn.Module):
    """While it runs or is traced, another thread does something."""

    def __init__(self, something: Callable[[nn.Module], Any]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3)
        self.something, self.found = something, []

    def forward(self, x: Tensor) -> Tensor:
        def run() -> None:
            try:
                self.found.append(self.something(self))
            except Exception as error:
                self.found.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(20)
        return self.convolution(x)


def test_another_network_runs():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten())
    image = torch.ones(1, 1, 5, 5)
    busy = Meanwhile(lambda _: net(image))
    trace(busy.eval(), 1, (8, 8))
    assert torch.equal(busy.found[0], net(image))


def test_a_part_of_the_same_network_runs():
    image = torch.ones(1, 1, 5, 5)
    busy = Meanwhile(lambda itself: itself.convolution(image))
    trace(busy.eval(), 1, (8, 8))
    assert torch.equal(busy.found[0], busy.convolution(image))


def test_another_trace_waits_its_turn_and_nothing_stays_replaced():
    call, lookup = nn.Module.__call__, nn.Module.__getattr__
    nets = [nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(20)]) for _ in range(6)]
    found: list[Any] = []

    def run(net: nn.Module) -> None:
        try:
            found.append(len(trace(net.eval(), 1, (8, 8)).outputs))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(net,)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 6
    assert nn.Module.__call__ is call
    assert nn.Module.__getattr__ is lookup


def test_the_traced_network_is_what_it_would_be_alone():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    image = torch.ones(1, 1, 5, 5)
    busy, idle = Meanwhile(lambda _: net(image)), Meanwhile(lambda _: None)
    graphs = [trace(module.eval(), 1, (8, 8)).full.graph for module in (busy, idle)]
    assert [n.name for n in graphs[0].nodes] == [n.name for n in graphs[1].nodes]

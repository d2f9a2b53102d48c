"""A network that is ready to be looked into, wherever it came from."""

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import fx, nn

from invis.models.axes import find_axes
from invis.models.flow import Flow, analyse
from invis.models.trace import trace, upto


@dataclass
class Model:
    """A network that is ready to be looked into.

    Attributes:
        name: its name in addresses.
        weights: canonical name of its weights: torchvision's name, `none:SEED`, the name of an
            embedded file (`default`, `seed1`), or the hash of a file.
        weights_hash: first 12 hex digits of the sha256 of the weights.
        module: the network in evaluation mode; its parameters need no gradient.
        mean, std: the normalisation, for pixels in [0, 1].
        input_size: rows and columns of its image.
        channels: colours of its image, 1 or 3.
        note: what was loaded, in words.
        missing: state keys that the weights did not cover; they are NaN.
        is_default: the address names the weights without saying so.
        grey: the neutral 8-bit colour; round(255 mean) unless given.
    """

    name: str
    weights: str
    weights_hash: str
    module: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    input_size: tuple[int, int]
    channels: int
    note: str
    missing: list[str] = field(default_factory=list, repr=False)
    is_default: bool = False
    grey: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.grey:
            self.grey = tuple(float(round(255 * value)) for value in self.mean)

    @cached_property
    def flow(self) -> Flow:
        """The traced network with the geometry of each node."""
        return analyse(trace(self.module, self.channels, self.input_size))

    def locate(self, node: fx.Node) -> None:
        """Find rows and columns of a node whose map the graph has lost sight of."""
        like = next(self.module.parameters(), torch.zeros(())).detach()
        lost = self.flow.axes[node] is None and len(self.flow.traced.shapes[node]) == 4
        if lost and not like.is_meta:
            shape = (self.channels, *self.input_size)
            try:
                rows, columns = find_axes(upto(self.flow.traced, node), shape, like)
            except Exception:  # the network itself fails: whoever runs it to get values says so
                return
            if rows is not None and columns is not None and rows != columns:
                self.flow.axes[node] = rows, columns

    @property
    def address(self) -> str:
        """The first part of its units' addresses."""
        return self.name if self.is_default else f"{self.name}@{self.weights}"

"""A node's own function or module as a step that writes nothing in place."""

import copy
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from invis.models import crops, ops
from invis.models.crops import Slot
from invis.models.trace import Traced


def call_step(traced: Traced, node: fx.Node, sources: list[fx.Node]) -> nn.Module:
    """The step that runs a node on the values of `sources`; sizes become plain numbers.

    A node of which `sources` lacks the sizes gets those of the whole image.
    """
    if node.op == "get_attr":
        return crops.ConstantStep(traced.attribute(node).detach())
    module = traced.module(node)
    function: Any = ops.functional_target(node)
    if isinstance(module, nn.ReLU) or function in (F.relu, torch.relu, "relu"):
        return crops.ReluStep(False)
    if module is not None:
        function = module
        if getattr(module, "inplace", False):
            function = copy.copy(module)
            function.inplace = False
    place = {source: Slot(i) for i, source in enumerate(sources)}

    def swap(argument: fx.Node) -> Any:
        source = traced.read(node, argument)
        return place[source] if source in place else traced.numbers[source]

    args = fx.node.map_arg(node.args, swap)
    kwargs = dict(fx.node.map_arg(node.kwargs, swap))
    if kwargs.get("inplace"):
        kwargs["inplace"] = False
    return crops.CallStep(function, args, kwargs)

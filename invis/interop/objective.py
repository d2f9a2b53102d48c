"""An Invis unit as a lucent objective, and a network that lucent leaves as it found it."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from invis.errors import InvisError
from invis.interop.maps import Positions, at_positions, check_positions
from invis.interop.require import lucent
from invis.models.unit import Units

LAYER = "invis"
"""The layer, in lucent's sense, in which `lucent_model` offers the units' pre-activations."""
# Resampling may leave the range by rounding.
SLACK = 0.01


def lucent_objective(
    units: Units,
    which: int | None = None,
    positions: Positions = "center",
    batch: int | None = None,
) -> Any:
    """An Invis unit as a `lucent.optvis.objectives.Objective`.

    Its value is minus the unit's pre-activation, since lucent descends: exact even where lucent's
    own hooks see what an in-place ReLU has left, or where no module holds the value, as for a
    residual sum. It is averaged over the batch, or taken of one image of it, and can be added and
    scaled, as lucent's `neuron` (`center`) and `channel` (`all`). It goes with `lucent_model`:

        with invis.lucent_model(units) as model:
            render.render_vis(model, invis.lucent_objective(units), preprocess=False)

    Args:
        units: one unit, or several of which `which` picks one.
        which: number of the unit among the units.
        positions: `center` is the units' own position in the map, `all` the mean over the map.
        batch: the image of the batch; all if left out.

    Raises:
        InvisError: for several units without `which`, and, when it runs, on any other model.
    """
    check_positions(positions)
    if not isinstance(units, Units):
        raise InvisError(f"units is a {type(units).__name__}: give invis.unit or invis.units_at")
    if which is None and len(units) > 1:
        raise InvisError(
            f"which is missing: units are {len(units)}, {units.addresses[0]} and others, and an "
            "objective is of one"
        )
    chosen = operator.index(which or 0)
    if not 0 <= chosen < len(units):
        raise InvisError(f"which {which} is wrong: the units are 0 to {len(units) - 1}")

    def value(layers: Callable[[str], Tensor]) -> Tensor:
        try:
            maps = layers(LAYER)
        except (AssertionError, KeyError) as error:
            raise InvisError(
                f"the model given to lucent does not offer {units.addresses[chosen]}: give it the "
                "model of `with invis.lucent_model(units) as model`"
            ) from error
        found = at_positions(units, maps, positions)[:, chosen]
        if batch is not None and not 0 <= batch < len(found):
            raise InvisError(f"batch {batch} is wrong: the images are 0 to {len(found) - 1}")
        return -(found if batch is None else found[batch : batch + 1]).mean()

    description = f"Invis [{units.addresses[chosen]}, {positions}]"
    return lucent().objectives.Objective(value, "invis", description)


@contextmanager
def lucent_model(source: Units | nn.Module) -> Iterator[nn.Module]:
    """A network for lucent's `render_vis`, which is left without hooks whatever happens.

    lucent hooks every module and never takes the hooks away; this does, when the block ends. lucent
    also goes on with old values when a forward pass fails; here that is an error.

    Args:
        source: Units, for `lucent_objective`: the network up to their layer takes pixels in [0, 1]
            and normalises them itself (`preprocess=False`; lucent's own normalisation is
            ImageNet's). Its layers keep lucent's names. A network of your own is used as it is,
            in evaluation mode and without gradients for its parameters until the block ends.

    Raises:
        InvisError: inside the block, where the forward pass fails or gets normalised images.
    """
    if not isinstance(source, Units | nn.Module):
        raise InvisError(f"source is a {type(source).__name__}: give Units or a torch.nn.Module")
    model = _network_of(source) if isinstance(source, Units) else source
    parts = [(part, part.training, set(part._forward_hooks)) for part in model.modules()]
    learning = [p for p in model.parameters() if p.requires_grad]
    forward, own = model.forward, model.__dict__.get("forward")
    name = source.model.name if isinstance(source, Units) else type(model).__name__
    place = next(model.parameters(), torch.zeros(())).device

    def checked(x: Tensor) -> Any:
        try:
            return forward(x.to(place))
        except RuntimeError as error:
            raise InvisError(
                f"{name} fails on images of {x.shape[-2]} x {x.shape[-1]} "
                f"({str(error).splitlines()[0]}): give render_vis another fixed_image_size"
            ) from error

    model.__dict__["forward"] = checked
    model.eval().requires_grad_(False)
    try:
        yield model
    finally:
        del model.__dict__["forward"]
        if own is not None:
            model.__dict__["forward"] = own
        for part, training, hooks in parts:
            part.training = training
            for key in set(part._forward_hooks) - hooks:
                del part._forward_hooks[key]
        for parameter in learning:
            parameter.requires_grad_()


class _Pixels(nn.Module):
    """Pixels in [0, 1] (B, C, H, W) -> the network's input."""

    def __init__(self, units: Units) -> None:
        super().__init__()
        self._normalise, self._like = units.normalise, units.readout

    def forward(self, pixels: Tensor) -> Tensor:
        low, high = float(pixels.detach().amin()), float(pixels.detach().amax())
        if low < -SLACK or high > 1 + SLACK:
            raise InvisError(
                f"images have values from {low:.2f} to {high:.2f}: this model takes pixels in "
                "[0, 1], so give render_vis preprocess=False"
            )
        return self._normalise(255 * pixels.to(self._like))


class _Readout(nn.Module):
    """The layer's output -> the units' maps (B, U, H, W)."""

    def __init__(self, units: Units) -> None:
        super().__init__()
        self._units = units

    def forward(self, out: Tensor) -> Tensor:
        return self._units.unit_maps(out)


def _network_of(units: Units) -> fx.GraphModule:
    """The full network up to the units' layer, from pixels to their maps."""
    shared = {id(p): p for p in units.full.parameters()}
    model = copy.deepcopy(units.full, shared)
    model.add_module("invis_pixels", _Pixels(units))
    model.add_module(LAYER, _Readout(units))
    graph = model.graph
    image = next(node for node in graph.nodes if node.op == "placeholder")
    end = next(node for node in graph.nodes if node.op == "output")
    with graph.inserting_after(image):
        pixels = graph.call_module("invis_pixels", (image,))
    image.replace_all_uses_with(pixels, lambda user: user is not pixels)
    with graph.inserting_before(end):
        end.args = (graph.call_module(LAYER, end.args),)
    model.recompile()
    return model.eval()

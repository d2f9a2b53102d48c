"""The cone of a layer, on the window that its units are measured to see."""

import torch
from torch import Tensor

from invis.errors import InvisError
from invis.models.cone import Cone, compile_cone
from invis.models.devices import without_cudnn
from invis.models.field import measure_window
from invis.models.layers import Layer
from invis.models.model import Model
from invis.models.trace import upto

# Values of cone and network may differ by this share of the largest: in half precision they do.
CLOSE = 2e-2


def fitted_cone(model: Model, layer: Layer, position: object, check: bool = False) -> Cone:
    """The cone of a layer at one position, no larger than what its units are measured to see.

    Where a cone cannot be cut down that far, the patch is placed on a canvas of the neutral colour.

    Args:
        model, layer: whose units.
        position: (row, column) in the layer's map, or "center".
        check: compare the cone with the network, and run the network itself where they differ.

    Raises:
        InvisError: if the layer draws at random, or for a position outside the map.
    """
    target = model.flow.node(layer.node)
    cone = compile_cone(model.flow, target, position)  # type: ignore[arg-type]
    like = next(model.module.parameters(), torch.zeros(())).detach()
    if like.is_meta:
        return cone
    with without_cudnn():
        if (check or cone.stopped_by) and not _agrees(model, layer, cone, like):
            cone = compile_cone(model.flow, target, cone.position, follow=False)
        if cone.whole and not cone.stopped_by:
            return cone
        window = measure_window(cone, cone.image_shape, like)
    if window in (None, (0, 0, *cone.image_shape[1:])):
        return cone
    assert window is not None
    return cone.on_canvas(window, paper(model, like))


def paper(model: Model, like: Tensor) -> Tensor:
    """(C,) the neutral colour as the network sees it."""
    grey, mean, std = torch.tensor([model.grey, model.mean, model.std], dtype=torch.float64)
    return ((grey / 255 - mean) / std).to(like)


@torch.no_grad()
def _agrees(model: Model, layer: Layer, cone: Cone, like: Tensor) -> bool:
    """Whether the cone gives what the network gives, for two images of noise."""
    flow = model.flow
    target = flow.node(layer.node)
    network = upto(flow.traced, target)
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, model.channels, *model.input_size, generator=draw).to(like)
    try:
        maps = network(x)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise InvisError(
            f"{model.name} fails at {layer.layer} on 2 images of {model.input_size[0]} x "
            f"{model.input_size[1]} ({reason}): it must take batches of any size"
        ) from error
    if not _close(maps, network(x)):
        raise InvisError(
            f"{model.name} answers differently to the same image at {layer.layer}: take the "
            "chance out of its forward (dropout without training=self.training, noise)"
        )
    shape = flow.traced.shapes[target]
    if tuple(maps.shape) != (2, *shape[1:]) or not _close(maps[:1], network(x[:1])):
        raise InvisError(
            f"{model.name} mixes the images of a batch at {layer.layer}: its answer to an image "
            "must not depend on the others (sums over all axes, batch norm without statistics)"
        )
    if not maps.is_floating_point():
        raise InvisError(
            f"{layer.layer} of {model.name} gives {maps.dtype} numbers, which have no gradient: "
            "name a layer in front of it"
        )
    axes, tokens = flow.axes[target], flow.tokens.get(target)
    places = axes or ((tokens.axis,) if tokens else ())
    for axis, at in sorted(zip(places, cone.position, strict=False), reverse=True):
        maps = maps.select(axis, at)
    top, left, bottom, right = cone.window
    patch = x[..., top:bottom, left:right]
    try:
        with torch.enable_grad():
            if not cone(patch[:1].clone().requires_grad_()).requires_grad:
                raise InvisError(
                    f"{layer.layer} of {model.name} has no gradient at the image: take detach, "
                    "rounding and the like out of what leads to it"
                )
        return _close(maps.reshape(2, -1), cone(patch))
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False


def _close(a: Tensor, b: Tensor) -> bool:
    finite = a.isfinite()
    if not torch.equal(finite, b.isfinite()):
        return False
    a, b = a[finite], b[finite]
    return not a.numel() or bool((a - b).abs().max() <= CLOSE * a.abs().max())

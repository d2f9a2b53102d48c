"""A lucent objective as a unit that Invis can search."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from invis.errors import InvisError
from invis.interop.require import lucent
from invis.models.own import wrap
from invis.models.unit import Units, unit

ROUNDING = 1e-5


def from_lucent(
    objective: Any,
    module: nn.Module,
    *,
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    input_size: int | tuple[int, int] | None = None,
    name: str | None = None,
    label: str | None = None,
    device: str | torch.device | None = None,
) -> Units:
    """Whatever lucent can maximise, as a unit: `invis.search(invis.from_lucent(...))`.

    Its response to an image is what lucent would maximise if that image were its batch: minus the
    objective's value. Layers have lucent's names (`layer1_0_conv2`, `input`, `labels`) and hold
    what lucent sees there, which behind an in-place ReLU is no longer the pre-activation. The
    search runs the whole network for every image; for a unit or a direction at one position
    `invis.unit` finds the same sets much faster.

    Args:
        objective: of `lucent.optvis.objectives`, a sum of such, or `layer:channel`.
        module: the network; its own hooks, mode and parameters are left as they are.
        mean, std, input_size, name, device: as for `invis.unit`.
        label: the objective's name in addresses; lucent's description if left out, which does not
            tell factors: 2 a + b and a + b look alike.

    Raises:
        InvisError: if the objective fails on this network, compares the images of a batch with
            each other (diversity, alignment, interpolation), or picks one that is not there.
    """
    try:
        given = lucent().objectives.as_objective(objective)
    except ValueError:
        given = None
    if given is None:
        raise InvisError(
            f"objective {objective!r} is none of lucent's: give one of "
            "lucent.optvis.objectives, or 'layer:channel'"
        )
    title = name or type(module).__name__
    # Wrapped first without the objective, for what there is to say about the network itself.
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=title)
    scores = _Scores(model.module, given, model.mean, model.std)
    label = _label(given, label)
    numbers = _check(scores, label, model.channels, model.input_size)
    units = unit(
        nn.Sequential(OrderedDict(lucent=scores)), "lucent", 0, mean=mean, std=std,
        input_size=input_size, name=title, device=device,
    )  # fmt: skip
    # The graph shows one step; micro-batches are sized by what happens inside. The weights are the
    # network's own, whatever is asked of it.
    units.cone.numbers = numbers
    units.model.weights_hash = model.weights_hash
    return replace(units, labels=(label,))


class _Scores(nn.Module):
    """Normalised images (B, C, H, W) -> (B, 1) what lucent would maximise for each."""

    # What torch.fx takes for a module of torch it calls as a whole, without looking inside.
    __module__ = "torch.nn.modules.invis"

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, objective: Any, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.network, self.objective = network, objective
        like = next(network.parameters(), torch.zeros(()))
        for key, values in (("mean", mean), ("std", std)):
            self.register_buffer(key, torch.tensor(values).to(like)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(x, FakeTensor):
            # The shapes are traced: an objective may ask for values, and there are none.
            return x.flatten(1)[:, :1]
        seen = self.look(x)
        return torch.stack([self.score(seen, [row]) for row in range(len(x))])[:, None]

    def look(self, x: Tensor) -> dict[str, Any]:
        """The outputs of all modules by lucent's names, and the pixels in [0, 1] as `input`."""
        seen: dict[str, Any] = {"input": x * self.std + self.mean}
        thread = threading.get_ident()

        def keeper(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def keep(_: nn.Module, __: Any, out: Any) -> None:
                if threading.get_ident() == thread:
                    seen[name] = out

            return keep

        parts = [(path, part) for path, part in self.network.named_modules() if path]
        names = [path.replace(".", "_") for path, _ in parts]
        handles = []
        try:
            for name, (_, part) in zip(names, parts, strict=True):
                handles.append(part.register_forward_hook(keeper(name)))
            out = self.network(x)
        finally:
            for handle in handles:
                handle.remove()
        seen["labels"] = seen.get(names[-1]) if names else out
        return seen

    def score(self, seen: dict[str, Any], rows: list[int]) -> Tensor:
        """Minus the objective's value for a batch made of some rows of the images."""

        def layer(name: str) -> Tensor:
            value = seen.get(name)
            if not isinstance(value, Tensor):
                near = ", ".join(get_close_matches(name, seen, 3, 0.3)) or ", ".join(seen)
                raise InvisError(f"layer {name!r} holds no tensor here: the nearest are {near}")
            return value[rows]

        return -torch.as_tensor(self.objective(layer), device=seen["input"].device).reshape(())


def _check(scores: _Scores, label: str, channels: int, size: tuple[int, int]) -> int:
    """Refuse an objective that fails, or whose value for a batch is not made of its images'.

    Returns how many activations one image leaves behind.
    """
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(4, channels, *size, generator=draw)
    contrast = torch.tensor([0.1, 2.0, 0.5, 1.0])[:, None, None, None]
    noise[2:] = noise[2:].cumsum(3) / size[1] ** 0.5
    try:
        with torch.no_grad():
            seen = scores.look((contrast * noise).to(scores.mean))
            alone = [float(scores.score(seen, [k])) for k in range(4)]
            pairs = [float(scores.score(seen, rows)) for rows in ([0, 1], [2, 3], [0, 3], [2, 1])]
    except InvisError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvisError(
            f"objective {label!r} fails on {type(scores.network).__name__} with images of "
            f"{size[0]} x {size[1]} ({type(error).__name__}: {reason})"
        ) from error
    if not all(abs(value) < float("inf") for value in alone):
        raise InvisError(
            f"objective {label!r} has no value for a single image ({alone[0]:g}): Invis scores "
            "every image alone, so leave out batch= and what spans a batch"
        )
    apart = pairs[0] + pairs[1] - pairs[2] - pairs[3]
    if abs(apart) > ROUNDING * sum(map(abs, pairs)):
        raise InvisError(
            f"objective {label!r} compares the images of a batch: Invis scores every image alone "
            "and drives them apart itself, so leave such terms out"
        )
    return sum(value[0].numel() for value in seen.values() if isinstance(value, Tensor))


def _label(objective: Any, given: str | None) -> str:
    """A name for the objective that can stand in an address."""
    told = [getattr(objective, key, "") for key in ("description", "__name__")]
    words = next((str(one) for one in (given, *told) if one), "")
    words = re.sub(r"(, None)+\]", "]", words)  # arguments left out
    return re.sub(r"[^\w\[\](),+-]+", "", re.sub(r"[./]+", "-", words))[:80] or "objective"

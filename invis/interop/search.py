"""A lucent objective as a unit that Invis can search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from invis.errors import InvisError
from invis.interop.require import lucent
from invis.models.own import wrap
from invis.models.scored import Outputs, Scores, no_output, scored
from invis.models.unit import as_label
from invis.models.units import Units

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
    label = _label(given, label)
    # Wrapped first without the objective, for what there is to say about the network itself.
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=name)
    scores = Scores(model.module, lambda seen: _each(given, seen), model.mean, model.std)
    _check(scores, given, label, model.channels, model.input_size)
    return scored(
        module, scores.function, label=label, mean=mean, std=std, input_size=input_size,
        name=name, device=device, layer="lucent",
    )  # fmt: skip


def _each(objective: Any, seen: Outputs) -> Tensor:
    """(B,) what lucent would maximise for each image."""
    layers = _as_lucent_sees(seen)
    return torch.stack([_score(objective, layers, [row]) for row in range(len(seen.image))])


def _as_lucent_sees(seen: Outputs) -> Callable[[str], Tensor]:
    """The outputs by lucent's names; `input` are the images, `labels` what the last module says."""
    names = {name.replace(".", "_"): name for name in seen.modules if name}
    names["labels"] = next(reversed(names.values()), "")

    def layer(name: str) -> Tensor:
        if name == "input":
            return seen.image
        if name not in names:
            raise no_output(name, names)
        return seen(names[name])

    return layer


def _score(objective: Any, layers: Callable[[str], Tensor], rows: list[int]) -> Tensor:
    """Minus the objective's value for a batch made of some rows of the images."""
    value = objective(lambda name: layers(name)[rows])
    return -torch.as_tensor(value, device=layers("input").device).reshape(())


def _check(
    scores: Scores, objective: Any, label: str, channels: int, size: tuple[int, int]
) -> None:
    """Refuse an objective that fails, or whose value for a batch is not made of its images'."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(4, channels, *size, generator=draw)
    contrast = torch.tensor([0.1, 2.0, 0.5, 1.0])[:, None, None, None]
    noise[2:] = noise[2:].cumsum(3) / size[1] ** 0.5
    try:
        with torch.no_grad():
            layers = _as_lucent_sees(scores.look((contrast * noise).to(scores.mean)))
            alone = [float(_score(objective, layers, [k])) for k in range(4)]
            pairs = [
                float(_score(objective, layers, rows)) for rows in ([0, 1], [2, 3], [0, 3], [2, 1])
            ]
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


def _label(objective: Any, given: str | None) -> str:
    """A name for the objective that can stand in an address."""
    told = [getattr(objective, key, "") for key in ("description", "__name__")]
    words = next((str(one) for one in (given, *told) if one), "")
    return as_label(re.sub(r"(, None)+\]", "]", words), "objective")  # arguments left out

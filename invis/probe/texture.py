"""The texture test of shift invariance (Cadena et al. 2018): one texture, every crop of it.

A texture of twice the field's size is optimised, together with a soft window, so that all of its
crops excite the unit. Where the mean response to all crops stays near the unit's maximum, the unit
does not care where in the texture it looks: it is shift (phase) invariant. The same optimisation
for the linear unit whose filter is the reference gives the null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.models.unit import Units
from invis.progress import until_done
from invis.search.again import problem_of, vectors_of

STEPS, AT_ONCE, RATE = 120, 48, 0.05
# A mild smoothing, as that of the authors' gradient, keeps single pixels from standing out.
SOFT = 1.0


@dataclass(frozen=True, eq=False)
class Texture:
    """Attributes:
    image: (2 h - 1, 2 w - 1, C) 8-bit, at the contrast of the reference.
    window: (h, w) from 0 to 1.
    ratio: mean response to all h w windowed crops, above grey, as a share of the reference's.
    null: the same of the linear unit with a texture of its own.
    fraction_done: 0 to 1; ratio and null are NaN before 1.
    """

    image: NDArray[np.uint8]
    window: NDArray[np.float32]
    ratio: float
    null: float
    fraction_done: float = 1.0

    @property
    def summary(self) -> str:
        """A few words for a progress bar."""
        return (
            "optimising a texture" if self.fraction_done < 1 else f"texture test {self.ratio:.2f}"
        )

    @property
    def finished(self) -> list[Texture]:
        """Itself, once it is done."""
        return [self] if self.fraction_done == 1 else []


def texture_steps(
    ds: xr.Dataset,
    units: Units | None = None,
    *,
    weights: str | None = None,
    seed: int = 0,
    device: str | None = None,
) -> Iterator[Texture]:
    """Optimise the texture of a result's unit, then that of the linear unit.

    Args:
        ds: a result; its unit is tested.
        units: the unit, found by its address when left out.
        weights: a name or file for the model.
        seed: of texture, window and crops.
        device: where to compute.

    Raises:
        InvisError: if the unit is dead or is not that of the result.
    """
    problem = problem_of(ds, units, weights, device)
    grey = np.asarray(ds.attrs["grey"], np.float32)
    reference = torch.as_tensor(ds["reference_image"].values.astype(np.float32) - grey)
    reference = reference.permute(2, 0, 1).to(problem.device)
    bottom, top = float(ds.attrs["grey_response"]), float(ds.attrs["reference"])
    norm, best = reference.norm(), vectors_of(ds, problem)[-1]

    # In the metric of the search, in which the reference is the strongest image.
    def on_sphere(x: Tensor) -> Tensor:
        v = problem.metric.vectors(x)
        return v / v.norm(dim=1, keepdim=True).clamp(min=1e-6)

    def unit(x: Tensor) -> Tensor:
        who = torch.zeros(len(x), dtype=torch.long, device=problem.device)
        return (problem.respond(problem.image(on_sphere(x)), who) - bottom) / (top - bottom)

    def linear(x: Tensor) -> Tensor:
        return on_sphere(x) @ best

    found = []
    for part, respond in enumerate((unit, linear)):
        for step, pattern, window in _optimise(respond, reference, seed):
            if step % 10 == 0 and step < STEPS:
                done = (part + step / STEPS) / 2
                image = _eight_bit(pattern, grey, norm)
                yield Texture(image, window.cpu().numpy(), float("nan"), float("nan"), done)
        found.append((_mean(respond, pattern, window, norm), pattern, window))
    (ratio, pattern, window), (null, _, _) = found
    yield Texture(_eight_bit(pattern, grey, norm), window.cpu().numpy(), ratio, null)


def texture(ds: xr.Dataset, units: Units | None = None, **settings: object) -> Texture:
    """`texture_steps` run to the end."""
    (found,) = until_done(texture_steps(ds, units, **settings))  # type: ignore[arg-type]
    return found


def _optimise(
    respond: Callable[[Tensor], Tensor], reference: Tensor, seed: int
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Adam on the texture's spectrum and the window's width and exponent; a step at a time."""
    colours, height, width = reference.shape
    generator = torch.Generator().manual_seed(seed)
    shape = (colours, 2 * height - 1, 2 * width - 1)
    free = torch.randn(shape, generator=generator).to(reference.device).requires_grad_()
    # log of the width in half fields, and of the exponent: a super-Gaussian.
    form = torch.tensor([0.0, 1.0], device=reference.device, requires_grad=True)
    optimiser = torch.optim.Adam([free, form], lr=RATE)
    softness = _softness(shape).to(reference.device)
    count = height * width
    for step in range(STEPS):
        places = torch.randperm(count, generator=generator)[:AT_ONCE]
        pattern = torch.fft.ifft2(torch.fft.fft2(free) * softness).real
        window = super_gaussian(height, width, form)
        loss = -respond(crops(pattern, window, places, reference.norm())).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield step + 1, pattern.detach(), window.detach()


def crops(pattern: Tensor, window: Tensor, places: Tensor, norm: Tensor) -> Tensor:
    """(B, C, h, w) windowed crops of a texture at places (B,) of h w, all of one norm."""
    height, width = window.shape
    found = torch.stack(
        [
            pattern[:, k // width : k // width + height, k % width : k % width + width]
            for k in places.tolist()
        ]
    )
    found = found * window
    norms = found.flatten(1).norm(dim=1).clamp(min=1e-6)
    return found * (norm / norms)[:, None, None, None]


def super_gaussian(height: int, width: int, form: Tensor) -> Tensor:
    """(h, w) exp(-r^p), r the distance from the centre in units of a width; form their logs."""
    y = torch.linspace(-1, 1, height, device=form.device)[:, None]
    x = torch.linspace(-1, 1, width, device=form.device)[None]
    distance = (y**2 + x**2 + 1e-6).sqrt() / form[0].exp()
    return torch.exp(-(distance ** form[1].exp()))


def _softness(shape: tuple[int, int, int]) -> Tensor:
    """1 / max(1, sqrt(f)), f in cycles per texture: the authors' preconditioner."""
    fy = torch.fft.fftfreq(shape[1])[:, None] * shape[1]
    fx = torch.fft.fftfreq(shape[2])[None] * shape[2]
    return 1 / (fy**2 + fx**2).sqrt().sqrt().clamp(min=SOFT)


@torch.no_grad()
def _mean(
    respond: Callable[[Tensor], Tensor], pattern: Tensor, window: Tensor, norm: Tensor
) -> float:
    places = torch.arange(window.numel())
    parts = [respond(crops(pattern, window, part, norm)) for part in places.split(AT_ONCE)]
    return float(torch.cat(parts).mean())


def _eight_bit(pattern: Tensor, grey: NDArray[np.float32], norm: Tensor) -> NDArray[np.uint8]:
    """The whole texture at the reference's contrast, as an image."""
    colours, rows, columns = pattern.shape
    size = (rows + 1) * (columns + 1) / 4 * colours
    scale = float(norm) / size**0.5 / float(pattern.std())
    shown = (pattern.cpu().permute(1, 2, 0).numpy() * scale + grey).round()
    return np.clip(shown, 0, 255).astype(np.uint8)

"""The classic view of a unit: whole images that it loves, made robust by lucent's transforms.

A search shows the patch that a unit sees, with a null; for deep layers, whose units see nearly all
of the image, whole images made by lucent's recipe are easier to read. They are maxima under
random shifts, turns and scalings (Olah et al., 2017), driven apart by lucent's diversity term where
several are asked for, and have no floor: some may please the unit far less than others, as their
measured activations tell.

Any parametrisation of lucent's can make them. A search does not take one: its null holds for a
linear space of images, which a squashed one, or a network that paints, is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.files.containers import Attributes
from invis.files.saved import Kind, register
from invis.interop.maps import (
    Positions,
    at_positions,
    check_positions,
    measure,
    run_full,
)
from invis.interop.painting import (
    Transform,
    eight_bit,
    fit,
    fourier,
    noise_like,
    usual_transforms,
)
from invis.interop.require import lucent, lucent_on
from invis.models.unit import Units, units_at
from invis.progress import until_done
from invis.search.engine import Snapshot, unit_seed
from invis.shipped import __version__

FORMAT = "invis-full-1"
NOISE_IMAGES = 32


def full_image_steps(
    units: Units | str,
    images: int = 1,
    steps: int = 256,
    size: int | tuple[int, int] | None = None,
    positions: Positions = "all",
    diversity: float = 1.0,
    rate: float = 0.05,
    parametrisation: Callable[[], tuple[Any, Callable[[], Tensor]]] | None = None,
    transforms: Sequence[Transform] | None = None,
    weights: str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> Iterator[Snapshot]:
    """Make whole images for each unit, step by step; closing the generator cancels.

    Args:
        units: an address such as `vgg19/conv5_1/12`, or Units.
        images: how many, driven apart in their layer's Gram matrices.
        steps: of Adam.
        size: rows and columns; the network's own if left out.
        positions: `all` maximises the mean over the map (lucent's channel), `center` one unit.
        diversity: weight of the similarity of the images against their activation.
        rate: of Adam; lucent's own, and about 0.005 for its `cppn`.
        parametrisation: a `param_f` of lucent's, such as `lambda: param.cppn(224)`, which says
            how many images there are and their size; Fourier coefficients in decorrelated colours
            if left out.
        transforms: of `lucent.optvis.transform`; by default lucent's standard ones in proportion
            to the size, none if empty.
        weights, seed, device: as for `invis.search`.

    Yields:
        A Snapshot, as of a search, after every step. A finished result has `images` (image, row,
        column, colour) uint8 and `activation` (image), the measured pre-activation of the 8-bit
        images through the full network; among its attributes `grey_response`, the response to
        plain grey, and `noise_response`, the largest among 32 images of noise of the same contrast
        (NaN while a result is unfinished).

    Raises:
        InvisError: at the first step, for any bad argument.
    """
    found = units_at(units, weights, device) if isinstance(units, str) else units
    if device is not None:
        found = found.to(device)
    check_positions(positions)
    for name, value, least in (
        ("images", images, 1),
        ("steps", steps, 1),
        ("diversity", diversity, 0),
    ):
        if not least <= value < float("inf"):
            raise InvisError(f"{name} is {value}: use at least {least}")
    if not 0 < rate < float("inf"):
        raise InvisError(f"rate is {rate}: use a small number above 0, such as 0.05")
    if parametrisation is not None and (size is not None or images != 1):
        raise InvisError("parametrisation says how many images and of what size: leave those out")
    rows, columns = found.model.input_size if size is None else np.broadcast_to(size, 2).tolist()
    if min(rows, columns) < 1:
        raise InvisError(f"size {size!r} is wrong: give rows and columns, e.g. 224")
    for which, address in enumerate(found.addresses):
        own = unit_seed(seed, address)
        chance = np.random.RandomState(own >> 24)  # takes 32 bits
        with lucent_on(found.device, chance) as it, torch.random.fork_rng(devices=[]):
            torch.manual_seed(own)
            made: tuple[Iterable[Tensor], Callable[[], Tensor]] = (
                fourier(it, images, found.model.channels, rows, columns)
                if parametrisation is None
                else parametrisation()
            )
            shape = check_images(made[1](), found)
            noise = fourier(it, NOISE_IMAGES, *shape)[1]().detach()
        asked = {"seed": seed, "diversity": diversity, "rate": rate}
        painting = _Painting(found, which, positions, made[0], made[1], noise, chance, asked)
        chosen = usual_transforms(shape[1:]) if transforms is None else transforms
        for step in range(1, steps + 1):
            painting.step(chosen)
            yield Snapshot(
                "image",
                step,
                (which + step / steps) / len(found),
                f"{address}: {painting.value:.3g}",
                [painting.result(chance=True)] if step == steps else [],
                lambda painting=painting: [painting.result()],  # type: ignore[misc]
            )


def full_image(units: Units | str, **settings: Any) -> list[xr.Dataset]:
    """Run `full_image_steps` to the end.

    Returns:
        One data set for each unit: `images` (image, row, column, colour) uint8 and more.
    """
    return until_done(full_image_steps(units, **settings))


def check_images(images: Tensor, units: Units) -> tuple[int, int, int]:
    """Colours, rows and columns of what a parametrisation makes, if the network takes it."""
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] != units.model.channels:
        raise InvisError(
            f"parametrisation makes images of shape {shape}: {units.model.name} takes "
            f"(B, {units.model.channels}, H, W)"
        )
    return shape[1], shape[2], shape[3]


class _Painting:
    """Whole images of one unit while they are made."""

    def __init__(
        self,
        units: Units,
        which: int,
        positions: Positions,
        parameters: Iterable[Tensor],
        image_f: Callable[[], Tensor],
        noise: Tensor,
        chance: np.random.RandomState,
        asked: dict[str, Any],
    ) -> None:
        self.units, self.which, self.positions = units, which, positions
        self.image_f, self.noise, self.chance = image_f, noise, chance
        self.optimiser = torch.optim.Adam(list(parameters), lr=asked["rate"])
        self.asked = asked
        self.steps, self.value = 0, 0.0

    def step(self, transforms: Sequence[Transform]) -> None:
        """One step of Adam on the activation and, between several images, their diversity."""
        units, diversity = self.units, self.asked["diversity"]
        self.optimiser.zero_grad()
        with lucent_on(units.device, self.chance):
            seen = image = self.image_f().to(units.device)
            for transform in transforms:
                seen = transform(seen)
        pixels = 255 * fit(seen, image.shape[2:]).to(units.readout)
        out = run_full(units, units.normalise(pixels))
        values = at_positions(units, units.unit_maps(out), self.positions)[:, self.which]
        loss = -values.mean()
        if len(image) > 1 and diversity:
            maps = units.maps(out)
            # The similarity of N images is at most N - 1; their activation has any scale.
            scale = values.detach().abs().mean() / (len(image) - 1)
            apart = lucent().objectives.diversity("layer")
            loss = loss - diversity * scale * apart(lambda _: maps)
        if not torch.isfinite(loss):
            raise InvisError(
                f"{units.addresses[self.which]} responds with NaN or infinity: check the model's "
                "weights, or use a smaller rate"
            )
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        self.value = float(values.detach().mean())

    def result(self, chance: bool = False) -> xr.Dataset:
        """The images as they stand, 8-bit, measured, beside what grey and, if asked, noise give."""
        units, which = self.units, self.which

        def measured(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return measure(units, images, self.positions)[:, which].numpy()

        images = eight_bit(self.image_f())
        grey = units.grey.cpu().numpy()
        contrast = float(np.sqrt(np.mean((images - grey) ** 2)))
        noise = noise_like(self.noise, grey, contrast) if chance else None
        plain = np.broadcast_to(grey.astype(np.uint8), images[:1].shape)
        model = units.model
        return xr.Dataset(
            {
                "images": (("image", "row", "column", "colour"), images),
                "activation": ("image", measured(images)),
            },
            attrs={
                "format": FORMAT,
                "address": units.addresses[which],
                "positions": self.positions if units.map_axes else "none",
                "grey_response": float(measured(plain)[0]),
                "noise_response": math.nan if noise is None else float(measured(noise).max()),
                "noise_images": NOISE_IMAGES,
                "contrast": contrast,
                "steps": self.steps,
                "model": model.name,
                "weights": model.weights,
                "weights_hash": model.weights_hash,
                "layer": units.layer.layer,
                "channel": units.labels[which],
                "device": str(units.device),
                "invis_version": __version__,
                "torch_version": str(torch.__version__),
                **self.asked,
            },
        )


register(
    Kind(
        FORMAT,
        "file of full images",
        "a file of full images that invis.save wrote",
        pack=Attributes(packed=("images",)).pack,
        unpack=Attributes().unpack,
    )
)

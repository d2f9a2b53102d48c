"""What a unit ignores: response curves under known transformations, beside the linear null.

A name is claimed where an image of a family that a linear unit would no longer see (cosine with the
reference within 0.3 of zero; for polarity: the reference inverted) still reaches 0.7 of the
reference's response above grey. Phase and hue contain polarity, and phase contains translation
along the grating, so the narrower name is then left out. Phase also needs F1/F0 < 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.probe.transform import families, keep_norm
from invis.search import search
from invis.search.band import Band

UNSEEN, STILL, MODULATED = 0.3, 0.7, 0.5
PHASES = 16


@dataclass(frozen=True)
class Curve:
    """A family: parameter values (V,) or (V, 2), the unit's response and the linear unit's (V,).

    Responses are above grey, as a share of the reference's. `explained` is the share of the set's
    squared distance from the reference that the best member for each image removes;
    `explained_null` is the same for a set of the linear unit.
    """

    values: NDArray[np.float32]
    axis_unit: str
    response: NDArray[np.float32]
    null: NDArray[np.float32]
    explained: float
    explained_null: float


@dataclass(frozen=True)
class Probes:
    """What the probes found; frequency in cycles per pixel, orientation of the wave in degrees."""

    address: str
    curves: dict[str, Curve]
    f1_f0: float
    frequency: float
    orientation: float
    names: tuple[str, ...]
    sentence: str

    def summary(self) -> dict[str, Any]:
        """A JSON-able record without the curves."""
        numbers = {k: getattr(self, k) for k in ("f1_f0", "frequency", "orientation")}
        return {
            "address": self.address,
            "sentence": self.sentence,
            "names": list(self.names),
            **{k: v if math.isfinite(v) else None for k, v in numbers.items()},
            "explained": {k: [c.explained, c.explained_null] for k, c in self.curves.items()},
        }


def probe(source: xr.Dataset | str, units: Units | None = None, seed: int = 0) -> Probes:
    """Probe a result, or the unit at an address, which is searched first.

    Args:
        units: the result's unit; found by its address when left out.
        seed: of the linear unit's set.

    Raises:
        InvisError: if the address names several units, or the unit is dead.
    """
    if isinstance(source, str):
        units = units_at(source, device="cpu") if units is None else units
        if len(units) != 1:
            raise InvisError(f"address {source!r} names {len(units)} units: give one channel")
        (source,) = search(units, seed=seed)
    ds = source
    if ds.attrs["dead"]:
        raise InvisError(f"{ds.attrs['address']} is dead: there is nothing to probe")
    one = units_at(ds.attrs["address"], device="cpu") if units is None else units
    grey = np.asarray(ds.attrs["grey"], np.float32)
    reference = _image(ds.reference_image.values, grey)
    members = torch.stack([_image(one_image, grey) for one_image in ds.images.values])
    bottom, top = float(ds.attrs["grey_response"]), float(ds.attrs["reference"])

    def respond(images: Tensor) -> Tensor:
        """Responses (B,) of the 8-bit clipped images."""
        level = torch.as_tensor(grey)[:, None, None]
        shown = (images + level).round().clamp(0, 255) - level
        with torch.no_grad():
            return one.responses(shown, torch.zeros(len(images), dtype=torch.long)).float()

    colour = _colour(reference)
    waves = _waves(max(reference.shape[1:]))
    drift = torch.cat([_gratings(reference, wave, colour) for wave in waves])
    rates = (respond(drift) - bottom).clamp(min=0).view(len(waves), PHASES)
    best = int(rates.amax(1).argmax())
    wave = waves[best]
    f1_f0 = modulation(rates[best].numpy())
    band = Band(tuple(reference.shape), ds.attrs["band_low"], ds.attrs["band_high"])  # type: ignore[arg-type]
    beta = float(np.clip(ds.attrs["beta"], 0.0, 1.0))
    null_set = _null_set(reference, band, len(members), beta, seed)
    flat = reference.flatten() / reference.norm()
    curves = {}
    for name, (values, unit, images) in families(reference, wave).items():
        share = (respond(images) - bottom) / (top - bottom)
        null = images.flatten(1) @ flat / reference.norm()
        reached = [_explained(members_, reference, images) for members_ in (members, null_set)]
        curves[name] = Curve(values.numpy(), unit, share.numpy(), null.numpy(), *reached)
    frequency = math.hypot(*wave)
    orientation = math.degrees(math.atan2(wave[0], wave[1])) % 180
    names = claims(curves, f1_f0)
    what = ", ".join(f"{n}-invariant" for n in names) if names else "nothing claimed:"
    text = f"{what} grating, {frequency:.2f} c/px, tilted {orientation:.0f} degrees"
    text += f", F1/F0 {f1_f0:.1f}" if math.isfinite(f1_f0) else ", silent to gratings"
    return Probes(ds.attrs["address"], curves, f1_f0, frequency, orientation, names, text)


def modulation(rates: NDArray[np.floating]) -> float:
    """F1/F0 of rates (P,) at evenly spaced phases of one cycle; NaN where all are 0."""
    mean = float(rates.mean())
    if mean <= 0:
        return math.nan
    return float(2 * np.abs(np.fft.fft(rates)[1]) / len(rates) / mean)


def claims(curves: dict[str, Curve], f1_f0: float) -> tuple[str, ...]:
    """The names that the curves allow, by the rule told at the top of this file."""
    kept: list[str] = []
    for name in ("phase", "hue", "translation", "rotation", "scale"):
        if name in curves:
            unseen = np.abs(curves[name].null) < UNSEEN
            if name == "rotation" and "phase" in kept:
                # Half a turn of a grating is a change of its phase.
                unseen &= curves[name].values != 180
            if (curves[name].response[unseen] >= STILL).any():
                kept.append(name)
    if not f1_f0 < MODULATED and "phase" in kept:
        kept.remove("phase")
    if "phase" in kept and "translation" in kept:
        kept.remove("translation")
    if curves["polarity"].response[1] >= STILL and not {"phase", "hue"} & set(kept):
        kept.append("polarity")
    return tuple(kept)


def _image(pixels: NDArray[np.uint8], grey: NDArray[np.float32]) -> Tensor:
    return torch.as_tensor(pixels.astype(np.float32) - grey).permute(2, 0, 1)


def _colour(image: Tensor) -> Tensor:
    """(C,) the colour in which an image varies most."""
    return torch.linalg.svd(image.flatten(1), full_matrices=False)[0][:, 0]


def _waves(side: int) -> list[tuple[float, float]]:
    """(row, column) cycles per pixel: 10 frequencies up to 0.4 c/px, 12 orientations.

    Closer to 0.5 c/px a grating's phase is no longer one: it turns into its contrast.
    """
    lowest = min(1 / side, 0.2)
    steps = [lowest * (0.4 / lowest) ** (k / 9) for k in range(10)]
    angles = [math.pi * k / 12 for k in range(12)]
    return [(f * math.sin(a), f * math.cos(a)) for f in steps for a in angles]


def _gratings(image: Tensor, wave: tuple[float, float], colour: Tensor) -> Tensor:
    """(16, C, h, w) the wave at even phases over the whole field, at the image's norm."""
    y = torch.arange(image.shape[1])[:, None] * wave[0]
    x = torch.arange(image.shape[2])[None] * wave[1]
    turn = torch.arange(PHASES)[:, None, None] / PHASES
    waves = torch.cos(2 * math.pi * (y + x + turn))[:, None] * colour[:, None, None]
    return keep_norm(waves, image.norm())


def _null_set(image: Tensor, band: Band, count: int, beta: float, seed: int) -> Tensor:
    """(N, C, h, w) images of the linear unit: beta along the reference, the rest random."""
    noise = torch.randn(count, band.size, generator=torch.Generator().manual_seed(seed))
    random = band.image(noise).flatten(1)
    along = image.flatten() / image.norm()
    random = random - (random @ along)[:, None] * along
    random = random / random.norm(dim=1, keepdim=True)
    rows = beta * along + math.sqrt(1 - beta**2) * random
    return (rows * image.norm()).view(count, *image.shape)


def _explained(members: Tensor, image: Tensor, reached: Tensor) -> float:
    """The share of squared distance from the image that the best of `reached` removes."""
    options = torch.cat([image[None], reached]).flatten(1)
    squared = torch.cdist(members.flatten(1), options).square()
    return float(1 - squared.amin(1).sum() / squared[:, 0].sum().clamp(min=1e-12))

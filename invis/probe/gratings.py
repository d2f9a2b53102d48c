"""Which grating a unit likes best, and how much its phase matters to it.

F1/F0 of the response above grey at evenly spaced phases of the best grating is how
neurophysiologists tell simple from complex cells (Skottun et al. 1991): pi / 2 for a half-wave
rectified linear unit, 0 for one that ignores phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.probe.transform import centre, keep_norm

Respond = Callable[[Tensor], Tensor]

PHASES, QUARTERS = 16, 4
FREQUENCIES, ORIENTATIONS = 9, 12
# At half a cycle a pixel, a shift of phase is a change of contrast.
HIGHEST = 0.46
# Variance of a window's square, px: less than a pixel wide there is no wave.
SMALLEST = 0.5
# The best grating drives a unit that is tuned to gratings to such a share of the reference's
# response, or looks so much like the reference (a square law hides the first, not the second).
TUNED = 0.35


@dataclass(frozen=True)
class Tuning:
    """The best grating of a unit.

    Attributes:
        wave: (row, column) cycles per pixel.
        rates: (16,) responses above grey, not below 0, at even phases, as a share of the
            reference's.
        f1_f0: modulation of the rates; NaN where no grating raises the unit above grey.
        overlap: cosine of the best phase with the reference: what the linear unit would answer.
    """

    wave: tuple[float, float]
    rates: NDArray[np.float32]
    f1_f0: float
    overlap: float

    @property
    def frequency(self) -> float:
        """Cycles per pixel."""
        return math.hypot(*self.wave)

    @property
    def orientation(self) -> float:
        """Degrees, 0 to 180, by which the stripes are turned from upright, clockwise."""
        return math.degrees(math.atan2(self.wave[0], self.wave[1])) % 180

    @property
    def share(self) -> float:
        """Response to the best phase, as a share of the reference's."""
        return float(self.rates.max())

    @property
    def tuned(self) -> bool:
        """Whether the unit is one for gratings."""
        return max(self.share, self.overlap) >= TUNED

    @property
    def evenness(self) -> float:
        """Response to the worst phase over that to the best: 1 where phase does not matter.

        F1 alone does not see a unit that ignores polarity: its response has two cycles a turn.
        """
        return float(self.rates.min() / self.rates.max()) if self.rates.max() > 0 else 0.0


def tune(respond: Respond, image: Tensor) -> Tuning:
    """Find the best grating: first roughly at quarter phases, then finely around the best.

    Args:
        respond: images (B, C, h, w), deviations from grey -> (B,) response above grey as a share of
            the reference's.
        image: the reference (C, h, w); gratings have its norm, the colour in which it varies most,
            and its place and size: those that fill a field waste their contrast where the unit
            does not look.
    """
    colour = torch.linalg.svd(image.flatten(1), full_matrices=False)[0][:, 0]

    def rates(waves: list[tuple[float, float]], phases: int) -> Tensor:
        images = torch.cat([gratings(image, wave, colour, phases) for wave in waves])
        return respond(images).clamp(min=0).view(len(waves), phases)

    coarse = coarse_waves(max(image.shape[1:]))
    best = coarse[int(rates(coarse, QUARTERS).amax(1).argmax())]
    fine = around(best, max(image.shape[1:]))
    responses = rates(fine, PHASES)
    place = int(responses.amax(1).argmax())
    found = responses[place].numpy()
    phases = gratings(image, fine[place], colour, PHASES).flatten(1)
    overlap = float((phases @ image.flatten()).max() / image.square().sum())
    return Tuning(fine[place], found, modulation(found), overlap)


def modulation(rates: NDArray[np.floating]) -> float:
    """F1/F0 of rates (P,) at evenly spaced phases of one cycle; NaN where all are 0."""
    mean = float(rates.mean())
    if mean <= 0:
        return math.nan
    return float(2 * np.abs(np.fft.fft(rates)[1]) / len(rates) / mean)


def gratings(image: Tensor, wave: tuple[float, float], colour: Tensor, phases: int) -> Tensor:
    """(P, C, h, w) the wave at even phases in a Gaussian window, at the image's norm."""
    y = torch.arange(image.shape[1])[:, None] * wave[0]
    x = torch.arange(image.shape[2])[None] * wave[1]
    turn = torch.arange(phases)[:, None, None] / phases
    waves = torch.cos(2 * math.pi * (y + x + turn)) * window(image)
    return keep_norm(waves[:, None] * colour[:, None, None], image.norm())


def window(image: Tensor) -> Tensor:
    """(h, w) the Gaussian whose square has the place and the size of an image's energy."""
    row, column = centre(image)
    y = torch.arange(image.shape[1])[:, None] - row
    x = torch.arange(image.shape[2])[None] - column
    energy = image.square().sum(0)
    squared = float(((y**2 + x**2) * energy).sum() / energy.sum().clamp(min=1e-12)) / 2
    return torch.exp(-(y**2 + x**2) / (4 * max(squared, SMALLEST)))


def coarse_waves(side: int) -> list[tuple[float, float]]:
    """Nine frequencies from one cycle a field up, twelve orientations."""
    lowest = min(1 / side, 0.2)
    steps = [lowest * (HIGHEST / lowest) ** (k / (FREQUENCIES - 1)) for k in range(FREQUENCIES)]
    angles = [math.pi * k / ORIENTATIONS for k in range(ORIENTATIONS)]
    return [(f * math.sin(a), f * math.cos(a)) for f in steps for a in angles]


def around(wave: tuple[float, float], side: int) -> list[tuple[float, float]]:
    """Waves between a coarse one and its neighbours, itself first."""
    frequency, angle = math.hypot(*wave), math.atan2(*wave)
    lowest = min(1 / side, 0.2)
    step = (HIGHEST / lowest) ** (1 / (FREQUENCIES - 1))
    found = [
        (min(frequency * step ** (k / 3), HIGHEST), angle + math.pi * m / ORIENTATIONS / 3)
        for k in (0, -1, 1)
        for m in (0, -1, 1)
    ]
    return [(f * math.sin(a), f * math.cos(a)) for f, a in found]

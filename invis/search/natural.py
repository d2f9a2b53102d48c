"""The metric of natural images: distances in the units in which photographs vary.

With S^2 the covariance of natural images, x = R S v: all images of norm |v| = 1 are as likely as
each other under the Gaussian of that covariance, and fine noise, in which photographs hardly vary,
is dear. Photographs look alike wherever they are cut out, so S is diagonal in the cosine transform
times a basis of colours. How S was chosen is told in docs/explanation/natural.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from invis.errors import InvisError
from invis.search.band import Band
from invis.search.statistics import (
    Statistics,
    as_json,
    natural,
    one_over_f,
    parse_statistics,
    read_statistics,
)

# Cycles an image below which amplitudes no longer rise; else the mean colour is all that varies.
LOWEST = 1.0
# The pixel range binds sooner in small fields, whose whole norm goes into few frequencies.
CONTRAST, AT_SIDE, GROWTH = 8.0, 24, -0.6


class Natural:
    """Whitened coordinates of natural images; see `invis.search.metric.Metric`.

    Attributes:
        statistics: what is known of the images.
        name: `natural`, or `natural:` and the name of a file with eight digits of its content.
    """

    def __init__(self, band: Band, contrast: float, statistics: Statistics, name: str) -> None:
        self.band, self.shape, self.size = band, band.shape, band.size
        self.contrast, self.name = contrast, name
        # With the digits that a result keeps, so that it is read back in the very same space.
        self.statistics = statistics = parse_statistics(_text(statistics))
        channels, *sides = band.shape
        each = band.cycles_per_pixel.view(channels, -1)[0].double().numpy()
        spread = statistics.amplitude(np.maximum(each, LOWEST / max(sides)))
        scale = torch.from_numpy(spread / math.sqrt(float(np.mean(spread**2))))
        radius = contrast * math.sqrt(math.prod(band.shape))
        self._scale = (scale.flatten() * radius).float()
        self._basis = torch.from_numpy(statistics.basis).float()

    @classmethod
    def usual_contrast(cls, shape: tuple[int, int, int]) -> float:
        return CONTRAST * (max(shape[1:]) / AT_SIDE) ** GROWTH

    @classmethod
    def build(cls, band: Band, contrast: float | None, source: str) -> Self:
        channels = band.shape[0]
        if contrast is None:
            contrast = cls.usual_contrast(band.shape)
        if source == "natural":
            return cls(band, contrast, _shipped(channels), source)
        if ":" in source and not Path(source).exists():
            raise InvisError(
                f"metric {source!r} is what a result calls a file of statistics: give the file"
            )
        found = read_statistics(source)
        if channels == 1:
            found = found.grey()
        if found.channels != channels:
            raise InvisError(
                f"metric {source!r} is of {found.channels} channels, and the images have "
                f"{channels}: measure statistics of such images, or use natural"
            )
        digest = hashlib.sha256(_text(found).encode()).hexdigest()[:8]
        return cls(band, contrast, found, f"natural:{Path(source).stem}@{digest}")

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: tuple[int, int, int]) -> Self:
        return cls(
            Band.from_attrs(attrs, shape),
            float(attrs["contrast"]),
            parse_statistics(str(attrs["metric_statistics"])),
            str(attrs["metric"]),
        )

    def attrs(self) -> dict[str, Any]:
        return {
            "metric": self.name,
            "contrast": self.contrast,
            **self.band.attrs(),
            "metric_statistics": _text(self.statistics),
        }

    def to(self, device: torch.device) -> Self:
        self.band.to(device)
        self._scale, self._basis = self._scale.to(device), self._basis.to(device)
        return self

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.size, generator=generator, dtype=torch.float32)

    def image(self, v: Tensor) -> Tensor:
        x = self.band.image(v * self._scale)
        return torch.einsum("ac,bahw->bchw", self._basis, x)

    def vectors(self, x: Tensor) -> Tensor:
        return self._along(x) / self._scale

    def pull(self, x: Tensor) -> Tensor:
        return self._along(x) * self._scale

    def _along(self, x: Tensor) -> Tensor:
        return self.band.coefficients(torch.einsum("ac,bchw->bahw", self._basis, x))


def _shipped(channels: int) -> Statistics:
    """Of photographs: colours, or luminance; of other images only that their spectrum falls."""
    if channels == 3:
        return natural()
    return natural().grey() if channels == 1 else one_over_f(channels)


def _text(statistics: Statistics) -> str:
    """What the metric needs of them, as text."""
    return json.dumps(as_json(statistics, about=False), separators=(",", ":"))

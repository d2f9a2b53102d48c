"""What a search is asked for, checked before any work begins."""

from __future__ import annotations

from dataclasses import dataclass

from invis.errors import InvisError
from invis.search.band import default_band, full_band, parse_band
from invis.search.metric import METRICS
from invis.search.statistics import read_statistics

DEFAULT_CONTRAST = 12.0
OBJECTIVES = ("set", "paper")


@dataclass(frozen=True)
class Settings:
    """The settings of a search.

    Attributes:
        images: N, the size of the set, at least 2.
        activation: alpha, the share of the reference that every image keeps, in (0, 1).
        contrast: RMS deviation from grey, in grey levels of 255, over all images that the search
            may choose from; None lets the metric choose.
        band: (low, high) in cycles per image, text as for `parse_band`, or None for the default.
        objective: `set` (largest distance above the floor) or `paper` (weighted sum).
        distance: `pixels`, or the layer whose features the set is to differ in.
        seed: of the random starts.
        metric: what distance and norm mean: `natural`, `pixels`, or a file of `invis statistics`.
    """

    images: int = 8
    activation: float = 0.9
    contrast: float | None = None
    band: tuple[float, float | None] | str | None = None
    objective: str = "set"
    distance: str = "pixels"
    seed: int = 0
    metric: str = "natural"

    def __post_init__(self) -> None:
        if self.images < 2:
            raise InvisError(f"images is {self.images}: a set needs at least 2")
        if not 0 < self.activation < 1:
            raise InvisError(
                f"activation is {self.activation:g}: use a fraction between 0 and 1, such as 0.9"
            )
        if self.contrast is not None and not (0 < self.contrast <= 128):
            raise InvisError(
                f"contrast is {self.contrast:g}: use an RMS contrast between 0 and 128 grey "
                "levels, such as 12"
            )
        if not 0 <= self.seed < 2**63:
            raise InvisError(f"seed is {self.seed}: use a whole number from 0 to 2^63 - 1")
        if self.objective not in OBJECTIVES:
            raise InvisError(f"objective {self.objective!r} is unknown: use set or paper")
        if self.metric not in METRICS:
            read_statistics(self.metric)
        if isinstance(self.band, str):
            object.__setattr__(self, "band", parse_band(self.band))

    def band_for(self, shape: tuple[int, int, int]) -> tuple[float, float]:
        """The band in cycles per image for images of this shape (C, h, w)."""
        if self.band is None:
            return default_band(shape)
        assert not isinstance(self.band, str)
        low, high = self.band
        return low, full_band(shape) if high is None else high

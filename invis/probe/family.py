"""What a family of transformations is; the registered ones are in `invis.probe.families`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from invis.probe.transform import Place, flat, keep_norm

if TYPE_CHECKING:
    from invis.probe.claims import Evidence

# Of the unit's best grating, (row, column) cycles per pixel.
Wave = tuple[float, float]


@dataclass(frozen=True)
class Members:
    """A family's images of one image.

    Attributes:
        values: (V,) of the parameter, or (V, 2) rows and columns of a shift.
        images: (V, C, h, w) deviations from grey.
    """

    values: Tensor
    images: Tensor


@dataclass(frozen=True)
class Family:
    """A family of transformations: all that curves, claims, pictures and filters know of it.

    A family must have the first three; the rest it may have. `invis.probe.families.register` makes
    it known; its place there is its place in sentences, tables and pictures.

    Attributes:
        name: one word, as in "phase-invariant".
        axis: what the parameter is, with its unit.
        transform: image (C, h, w), a deviation from grey, the unit's wave, and whether to be fine
            (of the reference) or coarse (of each image of a set) -> the members from the least to
            the most, or None where such an image has none.
        claim: whether the unit ignores it, which may depend on the evidence for other families;
            the unit's response stays and its set is reached, where left out.
        draws: members drawn at random at each value, which are judged by their mean.
        period: of the parameter, where it is an angle.
        keeps_norm: members are brought to the image's norm. A family that cannot be, such as
            contrast, reaches no image of a set.
    """

    name: str
    axis: str
    transform: Callable[[Tensor, Wave, bool], Members | None]
    claim: Callable[[Evidence], bool] | None = None
    draws: int = 1
    period: float | None = None
    keeps_norm: bool = True

    def of(
        self, image: Tensor, wave: Wave, fine: bool = True, place: Place = flat
    ) -> Members | None:
        """The members of an image, as `transform` makes them, at its norm.

        Args:
            place: images (B, C, h, w) -> vectors (B, D) whose norm it is; pixels if left out.
        """
        found = self.transform(image, wave, fine)
        if found is None or not self.keeps_norm:
            return found
        return Members(found.values, keep_norm(found.images, place(image[None]).norm(), place))

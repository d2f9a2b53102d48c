"""The space that images live in: vectors <-> images, and what a saved result says of it.

A search moves unit vectors v (D,). A metric says which image a vector stands for, and so what
distance means: the Euclidean distance of vectors. The null of an invariant set holds in every
metric, because the map is linear, and a unit that is affine in the image is affine in the vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch
import xarray as xr
from torch import Tensor

from invis.errors import InvisError
from invis.search.band import Band
from invis.search.natural import Natural
from invis.search.pixels import Pixels

if TYPE_CHECKING:
    from invis.search.settings import Settings


class Metric(Protocol):
    """What a search asks of the space of images; a kind of metric registers in `METRICS`.

    `image` *must* be linear without a constant, `vectors` its left inverse and `pull` its adjoint.
    `attrs` *must* hold all that `from_attrs` needs, so that a result is read back without any other
    file, and its `metric` *must* begin with the registered name; what follows a colon *should* tell
    spaces apart whose distances are not to be compared. `noise` *should* look as photographs do on
    the whole. A metric *may* leave images out (all but a band of frequencies).

    Attributes:
        shape: (C, h, w) of the images.
        size: D, the number of coordinates.
        contrast: the root mean square deviation from grey, in grey levels of 255, over all images
            of norm 1. In the metric of pixels each of them has it.
    """

    shape: tuple[int, int, int]
    size: int
    contrast: float

    @classmethod
    def usual_contrast(cls, shape: tuple[int, int, int]) -> float:
        """Of images of this shape (C, h, w), where a search asks for none."""
        ...

    @classmethod
    def build(cls, band: Band, contrast: float | None, source: str) -> Self:
        """The metric of images in a band; the usual contrast where None is given.

        Args:
            source: what the setting `metric` says: the registered name, or a file.
        """
        ...

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: tuple[int, int, int]) -> Self:
        """The metric that a saved result was made in."""
        ...

    def attrs(self) -> dict[str, Any]:
        """What a saved result says of it, `metric`, `contrast` and the band among it."""
        ...

    def to(self, device: torch.device) -> Self:
        """Move it in place and return it."""
        ...

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, D) random vectors, on the CPU and of any norm, from which searches start."""
        ...

    def image(self, v: Tensor) -> Tensor:
        """Vectors (B, D) -> images (B, C, h, w), deviations from grey in grey levels."""
        ...

    def vectors(self, x: Tensor) -> Tensor:
        """Images (B, C, h, w) -> vectors (B, D) of what the metric knows of them."""
        ...

    def pull(self, x: Tensor) -> Tensor:
        """The adjoint of `image`, (B, C, h, w) -> (B, D); makes gradients those of vectors."""
        ...


METRICS: dict[str, type[Metric]] = {"natural": Natural, "pixels": Pixels}
# A result of a version that knew no other.
FIRST = "pixels"


def metric_for(settings: Settings, shape: tuple[int, int, int]) -> Metric:
    """The metric that settings ask for, of images of this shape (C, h, w).

    A `metric` that no kind registered is a file of statistics of natural images.

    Raises:
        InvisError: if there is no such metric for images of this shape.
    """
    kind = METRICS.get(settings.metric, Natural)
    return kind.build(Band(shape, *settings.band_for(shape)), settings.contrast, settings.metric)


def metric_of(ds: xr.Dataset, shape: tuple[int, int, int]) -> Metric:
    """The metric that the vectors of a saved result are in.

    Raises:
        InvisError: if nobody registered it.
    """
    return kind_of(ds.attrs).from_attrs(ds.attrs, shape)


def kind_of(attrs: Mapping[str, Any]) -> type[Metric]:
    """The kind of metric that a saved result was made in.

    Raises:
        InvisError: if nobody registered it.
    """
    name = metric_name(attrs)
    kind = METRICS.get(name.partition(":")[0])
    if kind is None:
        raise InvisError(f"ds was made in the metric {name!r}: register it in METRICS first")
    return kind


def metric_name(attrs: Mapping[str, Any]) -> str:
    """The metric of a saved result; only distances of one name are compared."""
    return str(attrs.get("metric", FIRST))

"""The paths that the images of a search take, through pixel space and through the unit's layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.search import Snapshot, search_steps
from invis.trajectory.simulate import simulate
from invis.trajectory.source import ArraySource, Layout

Array = NDArray[np.float64]

SPACES = ("pixels", "layer")


@dataclass(frozen=True, eq=False)
class SearchPaths:
    """Where the N images of one unit's set were at T moments of its search.

    Attributes:
        address: of the unit.
        steps: (T,) of the search.
        images: (T, N, h, w, C) 8-bit, in the search's own order.
        grey: (C,) the neutral colour in grey levels.
        layer: (T, N, channels) the unit's layer at the unit's position, before its ReLU.
        fractions: (T, N) of the reference's response.
    """

    address: str
    steps: NDArray[np.int64]
    images: NDArray[np.uint8]
    grey: NDArray[np.float64]
    layer: NDArray[np.float32]
    fractions: NDArray[np.float32]

    def points(self, space: str = "pixels") -> NDArray[np.float64]:
        """(T, N, D) deviations from grey in grey levels, or the layer's channels.

        Raises:
            InvisError: if the space is neither `pixels` nor `layer`.
        """
        if space not in SPACES:
            raise InvisError(f"space {space!r} is unknown: use {' or '.join(SPACES)}.")
        if space == "layer":
            return self.layer.astype(np.float64)
        deviations = self.images.astype(np.float64) - self.grey
        return deviations.reshape(*self.images.shape[:2], -1)

    def source(self, space: str = "pixels") -> ArraySource:
        """The set as one point that moves: its `layers` are image0, image1, ..."""
        points = self.points(space)
        count, images, size = points.shape
        layout = Layout(tuple(f"image{k}" for k in range(images)), ((size,),) * images)
        return ArraySource(points.reshape(count, -1), self.steps, layout, name=self.address)

    def plane(self, space: str = "pixels", components: int = 2) -> tuple[Array, Array]:
        """All images' paths on common components.

        Returns:
            scores (T, N, components), and the explained-variance ratios (components,).
        """
        return _on_components(self.points(space), components)

    def null_ratios(
        self, space: str = "pixels", components: int = 2, samples: int = 20, seed: int = 0
    ) -> Array:
        """(samples, components) ratios where each image walks at random from where it started.

        The walks take steps of the observed lengths; in pixel space they keep the image's norm.
        """
        points, lengths, radius = self.points(space), self.lengths(space), self.radius(space)
        found = []
        for sample in range(samples):
            walks = [
                simulate(
                    len(points) - 1,
                    points.shape[2],
                    radius=float(radius[k]) if space == "pixels" else None,
                    step=lengths[:, k],
                    origin=points[0, k],
                    seed=seed + sample * points.shape[1] + k,
                )
                for k in range(points.shape[1])
            ]
            found.append(_on_components(np.stack(walks, 1), components)[1])
        return np.array(found)

    def lengths(self, space: str = "pixels") -> NDArray[np.float64]:
        """(T - 1, N) how far each image went from one moment to the next."""
        return np.linalg.norm(np.diff(self.points(space), axis=0), axis=2)

    def radius(self, space: str = "pixels") -> NDArray[np.float64]:
        """(N,) root mean square norm of each image: a search keeps that of the pixels fixed."""
        return np.sqrt((self.points(space) ** 2).sum(2).mean(0))


@dataclass
class FollowedSearch:
    """A search that remembers where its images were.

        followed = FollowedSearch("truth/complex_cell/0")
        for snapshot in followed:
            show(snapshot.fraction_done)
        (paths,) = followed.paths()

    Iterating runs the search; leaving the loop cancels it, and what was remembered stays.

    Attributes:
        units: an address, or Units.
        settings: of the search, as for `invis.search_steps`.
    """

    units: Units | str
    settings: dict[str, Any] = field(default_factory=dict)
    _seen: dict[str, list[tuple[int, Any]]] = field(default_factory=dict, init=False)

    def __iter__(self) -> Iterator[Snapshot]:
        settings = dict(self.settings)
        if isinstance(self.units, str):
            weights, device = settings.pop("weights", None), settings.get("device")
            self.units = units_at(self.units, weights, device)
        self._seen = {}
        for snapshot in search_steps(self.units, **settings):
            if snapshot.phase == "set":
                for one in snapshot.previews():
                    self._seen.setdefault(one.address, []).append((snapshot.step, one))
            yield snapshot

    def paths(self) -> list[SearchPaths]:
        """What was remembered so far, of each unit whose set has begun, in the units' order."""
        if isinstance(self.units, str):
            return []
        return [
            self._path(address, self.units)
            for address in self.units.addresses
            if address in self._seen
        ]

    def _path(self, address: str, units: Units) -> SearchPaths:
        seen = self._seen[address]
        images = np.stack([one.images for _, one in seen])
        return SearchPaths(
            address,
            np.array([step for step, _ in seen], dtype=np.int64),
            images,
            seen[0][1].grey,
            layer_values(units, images),
            np.stack([one.fractions for _, one in seen]),
        )


def _on_components(points: NDArray[np.floating], components: int) -> tuple[Array, Array]:
    rows = points.reshape(-1, points.shape[2])
    rows = rows - rows.mean(0)
    left, sizes, _ = np.linalg.svd(rows, full_matrices=False)
    sizes = np.maximum(sizes, 0)
    scores = (left * sizes)[:, :components].reshape(*points.shape[:2], -1)
    return scores, (sizes**2 / (sizes**2).sum())[:components]


@torch.no_grad()
def layer_values(units: Units, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """8-bit images (T, N, h, w, C) -> (T, N, channels) of the layer at the units' position."""
    rows = images.reshape(-1, *images.shape[2:])
    found = []
    for start in range(0, len(rows), 64):
        part = torch.as_tensor(rows[start : start + 64]).permute(0, 3, 1, 2)
        levels = part.to(units.device, units.readout.dtype)
        found.append(units.cone(units.normalise(levels)).float().cpu())
    return torch.cat(found).numpy().reshape(*images.shape[:2], -1)

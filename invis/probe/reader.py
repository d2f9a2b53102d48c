"""A folder of pictures read batch by batch, the strongest crops kept on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invis.models.unit import Units
from invis.probe.pictures import Picture, UnreadableError, read_picture
from invis.probe.scan import Crop, Grid, Strongest, grid_of, peaks, response_maps

# Canvases that go through the network at once, in pixels of all of them.
BATCH_PIXELS = 1 << 18
TOLD = 20


class Reader:
    """Reads the folder batch by batch.

    Attributes:
        strongest: of each unit.
        read, used: pictures read, and those of them that held a crop.
        skipped: which were left out, and why.
    """

    def __init__(self, units: Units, folder: Path, paths: list[str], count: int, each: int) -> None:
        self.units, self.folder, self.paths, self.each = units, folder, paths, each
        self.grid: Grid = grid_of(units)
        self.strongest = [
            Strongest(count, each, np.random.default_rng(0)) for _ in range(len(units))
        ]
        self.read = self.used = self.left_out = 0
        self.skipped: list[str] = []
        height, width = self.grid.canvas
        self.batch = max(1, BATCH_PIXELS // (height * width))

    def step(self) -> None:
        """Read pictures until a batch of canvases is full, and look at them."""
        canvases: list[tuple[str, Picture, tuple[int, int]]] = []
        while self.read < len(self.paths) and len(canvases) < self.batch:
            path = self.paths[self.read]
            self.read += 1
            try:
                picture = self._picture(path)
            except UnreadableError as error:
                self.left_out += 1
                if len(self.skipped) < TOLD:
                    self.skipped.append(f"{path}: {error}")
                continue
            self.used += 1
            canvases += [(path, picture, at) for at in self.grid.starts(picture.pixels.shape[:2])]
        # A long panorama holds many canvases: never more than a batch of them at once.
        for start in range(0, len(canvases), self.batch):
            self._look(canvases[start : start + self.batch])

    def _picture(self, path: str) -> Picture:
        picture = read_picture(self.folder / path, self.units.image_shape[0], min(self.grid.canvas))
        height, width = picture.pixels.shape[:2]
        crop, grid = self.grid.crop, self.grid
        if height < grid.tops[0] + crop[0] or width < grid.lefts[0] + crop[1]:
            raise UnreadableError(
                f"{height} x {width} px holds no field of {crop[0]} x {crop[1]} px"
            )
        return picture

    def _look(self, canvases: list[tuple[str, Picture, tuple[int, int]]]) -> None:
        grey = np.array(self.units.model.grey, dtype=np.uint8)
        height, width = self.grid.canvas
        filled = np.broadcast_to(grey, (len(canvases), height, width, len(grey))).copy()
        for k, (_, picture, (top, left)) in enumerate(canvases):
            part = picture.pixels[top : top + height, left : left + width]
            filled[k, : part.shape[0], : part.shape[1]] = part
        maps = response_maps(self.units, self.grid, filled)
        for (path, picture, corner), responses in zip(canvases, maps, strict=True):
            # Crops that would reach over the end of a small picture do not count.
            tops = self.grid.tops[
                self.grid.tops + self.grid.crop[0] <= picture.pixels.shape[0] - corner[0]
            ]
            lefts = self.grid.lefts[
                self.grid.lefts + self.grid.crop[1] <= picture.pixels.shape[1] - corner[1]
            ]
            if not (len(tops) and len(lefts)):
                continue
            for one, strongest in zip(responses, self.strongest, strict=True):
                inside = one[: len(tops), : len(lefts)]
                if not np.isfinite(inside).all():
                    inside = np.nan_to_num(inside, nan=-np.inf, posinf=-np.inf, neginf=-np.inf)
                self._keep(strongest, inside, path, picture, tops + corner[0], lefts + corner[1])

    def _keep(
        self,
        strongest: Strongest,
        responses: NDArray[np.float32],
        path: str,
        picture: Picture,
        tops: NDArray[np.int64],
        lefts: NDArray[np.int64],
    ) -> None:
        strongest.seen += responses.size
        strongest.draw(responses)
        height, width = self.grid.crop
        strongest.keep(
            [
                Crop(
                    value, path, top, left, picture.scale,
                    picture.pixels[top : top + height, left : left + width].copy(),
                )
                for value, top, left in peaks(
                    responses, tops, lefts, self.grid.crop, strongest.least, self.each
                )
            ],
            self.grid.crop,
        )  # fmt: skip

    def about(self) -> dict[str, Any]:
        """What the results say of the folder."""
        return {
            "folder": self.folder.name or str(self.folder),
            "pictures": self.used,
            "left_out": self.left_out,
            "skipped": "\n".join(self.skipped),
        }

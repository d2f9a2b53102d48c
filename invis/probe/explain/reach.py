"""How far photographs reach: the best of many crops, equalised to the norm of the search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.probe.explain.answer import Answer
from invis.probe.pictures import list_pictures, read_picture
from invis.search.metric import Metric
from invis.search.sphere import unit

CROPS, AT_ONCE = 20_000, 1024
# Photographs are cut at their own size, a half and a quarter of it.
SHRUNK = (1, 2, 4)
# Of a folder, spread evenly over it.
PICTURES = 200


@dataclass(frozen=True)
class Reach:
    """Attributes:
    share: the strongest response, as a share of the reference's.
    vector: (D,) the crop that gave it.
    crops: how many were looked at.
    """

    share: float
    vector: Tensor
    crops: int


@torch.no_grad()
def reach(
    answer: Answer, metric: Metric, generator: torch.Generator, folder: Path | None = None
) -> Reach:
    """The strongest of CROPS crops of photographs, each as the search would see it.

    Args:
        answer: of the unit.
        metric: of the images; their part in it is brought to norm 1.
        generator: of the places.
        folder: of pictures; two photographs that scikit-learn ships where left out.
    """
    colours, height, width = metric.shape
    pyramids = photographs(str(folder) if folder else None, colours, height, width)
    areas = torch.tensor([float(one.shape[0] * one.shape[1]) for one in pyramids])
    best, vector = -torch.inf, torch.zeros(metric.size)
    for start in range(0, CROPS, AT_ONCE):
        count = min(AT_ONCE, CROPS - start)
        which = torch.multinomial(areas, count, True, generator=generator)
        places = torch.rand(count, 2, generator=generator)
        crops = np.stack(
            [
                _crop(pyramids[k], float(y), float(x), height, width)
                for k, (y, x) in zip(which.tolist(), places.tolist(), strict=True)
            ]
        )
        x = torch.as_tensor(crops).permute(0, 3, 1, 2).float()
        # Light and contrast of a place are not what a unit is asked about.
        x = x - x.mean((2, 3), keepdim=True)
        vectors = unit(metric.vectors(x))
        value = answer.value(vectors)
        top = int(value.argmax())
        if float(value[top]) > best:
            best, vector = float(value[top]), vectors[top]
    return Reach(best, vector, CROPS)


@lru_cache(maxsize=4)
def photographs(
    folder: str | None, colours: int, height: int, width: int
) -> tuple[NDArray[np.uint8], ...]:
    """Photographs (H, W, C) at several sizes, all at least as large as a field."""
    if folder is None:
        from sklearn.datasets import load_sample_images

        found = [np.asarray(one) for one in load_sample_images().images]
        if colours == 1:
            found = [one.mean(2, keepdims=True).astype(np.uint8) for one in found]
    else:
        paths = list_pictures(folder)
        paths = paths[:: -(-len(paths) // PICTURES)]
        found = [read_picture(Path(folder) / path, colours).pixels for path in paths]
    sizes = [_shrunk(one, factor) for one in found for factor in SHRUNK]
    return tuple(one for one in sizes if one.shape[0] >= height and one.shape[1] >= width)


def _shrunk(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of factor x factor pixels."""
    rows, columns = (side // factor * factor for side in image.shape[:2])
    blocks = image[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor, -1)
    return np.asarray(blocks.mean((1, 3)).round(), np.uint8)


def _crop(
    image: NDArray[np.uint8], y: float, x: float, height: int, width: int
) -> NDArray[np.uint8]:
    top = int(y * (image.shape[0] - height + 1))
    left = int(x * (image.shape[1] - width + 1))
    return image[top : top + height, left : left + width]

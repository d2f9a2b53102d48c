"""Directions of a layer found in pictures: PCA and NMF of its activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.models.devices import single_precision
from invis.models.directions import directions
from invis.models.memory import check_memory
from invis.models.unit import Units, units_at
from invis.probe.pictures import UnreadableError, list_pictures, read_picture

KINDS = ("pca", "nmf")
# Positions of a picture's map that are looked at, and of all pictures together.
EACH, MOST = 64, 100_000


@dataclass(frozen=True)
class Looked:
    """Where the reading stands; `result` at the end."""

    fraction_done: float
    summary: str
    result: xr.Dataset | None = None

    @property
    def finished(self) -> list[xr.Dataset]:
        return [] if self.result is None else [self.result]


def components_steps(
    layer: str,
    data: str | Path,
    kind: str = "pca",
    count: int = 8,
    *,
    weights: str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> Iterator[Looked]:
    """Find the directions in which a layer's activations vary, picture by picture.

    PCA takes the activations as they are, NMF what a ReLU leaves of them; both one position of the
    map as one sample.

    Args:
        layer: `model[@weights]/layer`.
        data: a folder of pictures.
        kind: `pca` or `nmf`.
        count: how many directions.
        weights, device: as for `invis.search`.
        seed: of the positions that are looked at, and of NMF.

    Raises:
        InvisError: for an unknown kind, no readable picture, more directions than samples, or
            more than fit into the memory.
    """
    if kind not in KINDS:
        raise InvisError(f"kind {kind!r} is wrong: use {' or '.join(KINDS)}")
    paths = list_pictures(data)
    units = units_at(f"{layer}/0", weights, device)
    if not 1 <= count <= units.readout.shape[1]:
        raise InvisError(f"count {count} is wrong: use 1 to {units.readout.shape[1]} directions")
    rows, channels = min(MOST, EACH * len(paths)), units.readout.shape[1]
    # The samples, their copies as one array and centred or clipped; the parts of NMF twice.
    check_memory(
        4 * rows * (3 * channels + 2 * count), f"count {count} needs",
        "ask for fewer directions, or give fewer pictures",
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    samples: list[NDArray[np.float32]] = []
    used, total = 0, 0
    for k, path in enumerate(paths):
        try:
            samples.append(_activations(units, Path(data) / path, rng))
        except UnreadableError:
            continue
        used, total = used + 1, total + len(samples[-1])
        yield Looked(0.8 * (k + 1) / len(paths), f"{used} pictures")
        if total >= MOST:
            break
    if total < max(count, 2):
        raise InvisError(f"data {str(data)!r} gives {total} samples: give more pictures")
    vectors, shares = _fit(np.concatenate(samples)[:MOST], kind, count, seed)
    found = directions(
        vectors, layer, kind=kind, pictures=used, samples=total, seed=seed,
        weights_hash=units.model.weights_hash,
    )  # fmt: skip
    found["share"] = ("direction", shares)
    yield Looked(1.0, f"{len(vectors)} directions", found)


@torch.no_grad()
@single_precision()
def _activations(units: Units, path: Path, rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, C) the layer at some positions of one picture, cut to the network's size."""
    rows, columns = units.model.input_size
    picture = read_picture(path, units.model.channels, max(rows, columns)).pixels
    canvas = np.empty((rows, columns, picture.shape[2]), np.uint8)
    canvas[:] = np.asarray(units.model.grey, np.uint8)
    height, width = picture.shape[:2]
    top, left = max(0, (height - rows) // 2), max(0, (width - columns) // 2)
    part = picture[top : top + rows, left : left + columns]
    canvas[: part.shape[0], : part.shape[1]] = part
    x = torch.as_tensor(canvas).permute(2, 0, 1)[None].to(units.device, units.readout.dtype)
    maps = units.maps(units.full(units.normalise(x)))[0].flatten(1).T
    where = rng.permutation(len(maps))[:EACH]
    return maps[where].float().cpu().numpy()


def _fit(
    samples: NDArray[np.float32], kind: str, count: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(K, C) directions of unit norm, and the share of the variation that each explains."""
    if kind == "pca":
        from sklearn.decomposition import PCA

        fitted = PCA(count, random_state=seed).fit(samples)
        return fitted.components_, fitted.explained_variance_ratio_.astype(np.float32)
    from sklearn.decomposition import NMF

    positive = samples.clip(min=0)
    model = NMF(count, init="nndsvda", random_state=seed, max_iter=400)
    parts = model.fit_transform(positive)
    norms = np.linalg.norm(model.components_, axis=1)
    order = np.argsort(-parts.sum(0) * norms)
    kept = [k for k in order if norms[k] > 0]
    if not kept:
        raise InvisError("activations are nowhere above 0: use kind 'pca'")
    power = (parts**2).sum(0) * norms**2 / max(float((positive**2).sum()), 1e-30)
    vectors = model.components_[kept] / norms[kept, None]
    return vectors.astype(np.float32), power[kept].astype(np.float32)

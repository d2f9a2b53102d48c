"""The search scored against units whose invariance is known exactly, in each metric.

What the best set can reach follows from the geometry of a unit's filters: `invis.search.geometry`
finds it numerically. It is asked for at the response that a set has, as a share of the largest one
known: a set whose images are more excited, or that the pixel range holds back, has another null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from invis.models.truth import GAIN, Energy, GroundTruth, Magnitude
from invis.search import search
from invis.search.geometry import Best, best_of_energy, best_of_members
from invis.search.metric import metric_of
from invis.search.settings import Settings

LOWEST_SHARE = {"index": 0.93, "spread": 0.97, "coverage": 0.87, "maximum": 0.98}
LARGEST_FALSE_CLAIM = 0.01

Floats = NDArray[np.floating]


def run_checks(
    seed: int = 0, device: str | None = None, metric: str = Settings.metric
) -> list[dict[str, Any]]:
    """Search every ground-truth unit with the default settings.

    Returns:
        One row a unit: unit, metric, expected_index, index, expected_spread, spread, coverage,
        maximum (the largest response found over the largest there is), false_claim (how far index
        or spread exceed what geometry allows, as a share), passed.
    """
    truth = GroundTruth()
    rows = []
    for unit, _ in truth.named_children():
        (ds,) = search(f"truth/{unit}/0", seed=seed, device=device, metric=metric)
        rows.append({"unit": unit, "metric": metric, **score(truth, unit, ds)})
    return rows


def score(truth: GroundTruth, unit: str, ds: xr.Dataset) -> dict[str, Any]:
    """What the set of a ground-truth unit reaches of what it could; a row without its names."""
    filters, pool = truth.filters(unit), truth.get_submodule(unit)[1]  # type: ignore[index]
    height, width, channels = ds.reference_image.shape
    space = metric_of(ds, (channels, height, width))
    pulled = space.pull(filters.view(-1, channels, height, width)).double().numpy() * GAIN / 255
    if isinstance(pool, Magnitude):
        pulled = np.concatenate([pulled, -pulled])
    gram, projections = pulled @ pulled.T, ds.vectors.values @ pulled.T
    circle = isinstance(pool, Energy)
    largest = np.linalg.eigvalsh(gram)[-1] if circle else math.sqrt(gram.diagonal().max())
    alpha, found = ds.attrs["alpha"], ds.attrs
    level = found["beta"] * found["free_reference"] / largest
    if not 0 < level < 1:
        best = Best(math.nan, math.nan)
    else:
        best = (best_of_energy if circle else best_of_members)(gram, level, len(projections))
    covered = (coverage_of_circle if circle else coverage_of_members)(gram, projections, alpha)
    shares = {
        "index": found["index"] / best.index,
        "spread": found["spread"] / best.spread,
        "coverage": covered,
        "maximum": found["free_reference"] / largest,
    }
    claim = max(shares["index"] - 1, shares["spread"] - 1, 0.0)
    return {
        "expected_index": best.index,
        "index": found["index"],
        "expected_spread": best.spread,
        "spread": found["spread"],
        "coverage": covered,
        "maximum": shares["maximum"],
        "false_claim": claim,
        "passed": _holds(shares)
        and bool(claim <= LARGEST_FALSE_CLAIM and found["fraction_min"] >= alpha - 0.01),
    }


def _holds(shares: Mapping[str, float]) -> bool:
    return all(shares[name] >= lowest for name, lowest in LOWEST_SHARE.items())


def coverage_of_circle(gram: Floats, projections: Floats, level: float) -> float:
    """The share of the circle f = p1^2 + p2^2 that a set covers.

    Where every angle can reach the level: the share of angles within half a step of an even
    spacing, pi / N, of some image. Where the weak axis is too short for that: the share of the two
    poles of the strong one that some image lies at.

    Args:
        gram: (2, 2) inner products of the filters in the metric's coordinates.
        projections: (N, 2) of the images on the filters.
        level: the floor, as a share of the largest response.
    """
    squares, axes = np.linalg.eigh(gram)
    if squares[0] < level * squares[1]:
        return len(set(np.sign(projections @ axes[:, 1]))) / 2
    angles = np.sort(np.arctan2(projections[:, 1], projections[:, 0]))
    gaps = np.diff(np.append(angles, angles[0] + 2 * math.pi))
    return float(np.minimum(gaps, 2 * math.pi / len(angles)).sum() / (2 * math.pi))


def coverage_of_members(gram: Floats, projections: Floats, level: float) -> float:
    """The share of an orbit of K members that a set covers.

    The members that some image excites most, over those that can reach the level, or over N where
    there are fewer images.

    Args:
        gram: (K, K) inner products of the members in the metric's coordinates.
        projections: (N, K) of the images on the members.
        level: the floor, as a share of the largest response.
    """
    norms = np.sqrt(gram.diagonal())
    reached = set(np.flatnonzero(norms >= level * norms.max()).tolist())
    visited = set(projections.argmax(1).tolist()) & reached
    return len(visited) / min(len(projections), len(reached))

"""The search scored against units whose invariance is known exactly.

What the best set of N images of norm R = 1 can reach follows from geometry. Write d0^2 =
2 N / (N - 1) * (1 - beta^2) for the linear null, beta = alpha.

*Spread.* sum over pairs |x_i - x_j|^2 = N^2 - |sum x_i|^2 is largest where the images sum to zero;
then the RMS distance is sqrt(2 N / (N - 1)), and spread = 1 / sqrt(1 - alpha^2). Every unit here
but the linear one has such sets (N even).

*Linear unit.* Index and spread are 1: the simplex among the directions that w ignores.

*|w.x|.* Images of both signs are far apart, so the nearest neighbour has the same sign. With N / 2
of each sign, a simplex of N / 2 images each: d^2 = 2 (N/2) / (N/2 - 1) (1 - alpha^2), for N = 2 the
two poles, d = 2. For N = 8 the index is sqrt(7/6) = 1.080. (One image of one sign and seven of the
other have a larger *mean*, 1.24, bought by a single distant image, and a smaller smallest distance;
the search, like the paper's objective, makes the smallest distance large.)

*Quadrature pair* f = (w1.x)^2 + (w2.x)^2. The response alpha needs a component of squared length
alpha in the plane of w1 and w2, at any angle; 1 - alpha is left outside. Angles 2 pi i / N and,
outside the plane, +e and -e in turn give neighbours at d^2 = 2 alpha (1 - cos(2 pi / N)) +
4 (1 - alpha): for N = 8, alpha = 0.9 the index is 1.461. Two steps away they are farther,
2 alpha (1 - cos(4 pi / N)).

*Maximum over K >= N orthonormal w_k.* x_i = alpha w_i - c sum_(j != i) w_j + t e_i with a simplex
e_i outside, t^2 = 1 - alpha^2 - (N - 1) c^2. At c = alpha / (N - 1) the images sum to zero and all
inner products are -1 / (N - 1): the simplex of all N, index = spread = 1 / sqrt(1 - alpha^2). It
needs t^2 >= 0, that is N >= 1 / (1 - alpha^2): for alpha = 0.9, N >= 5.3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from invis.models.truth import GroundTruth
from invis.search import search
from invis.search.settings import Settings

LOWEST_SHARE = {"index": 0.93, "spread": 0.97, "coverage": 0.87}
LARGEST_FALSE_CLAIM = 0.01


def expected_index(unit: str, alpha: float, images: int) -> float:
    """The best index of a ground-truth unit; N even."""
    null = math.sqrt(2 * images / (images - 1) * (1 - alpha**2))
    if unit == "simple_cell":
        return 1.0
    if unit == "polarity_cell":
        half = images // 2
        return (math.sqrt(2 * half / (half - 1) * (1 - alpha**2)) if half > 1 else 2.0) / null
    if unit in ("complex_cell", "hue_cell"):
        turn = 2 * alpha * (1 - math.cos(2 * math.pi / images))
        return math.sqrt(turn + 4 * (1 - alpha)) / null
    return 1 / math.sqrt(1 - alpha**2)


def expected_spread(unit: str, alpha: float) -> float:
    """The best spread of a ground-truth unit; N even."""
    return 1.0 if unit == "simple_cell" else 1 / math.sqrt(1 - alpha**2)


def coverage(unit: str, projections: NDArray[np.floating]) -> float:
    """The share of the known orbit that a set covers.

    For a circle (phase, hue): the share within half a step of an even spacing, pi / N, of some
    image. For a finite orbit: the members that some image sits on, over min(N, members). For the
    linear unit, whose orbit is one point: the share of images on it.

    Args:
        projections: (N, K) of the images on the unit's filters.
    """
    n, k = projections.shape
    if unit == "simple_cell":
        return float((projections[:, 0] > 0).mean())
    if unit == "polarity_cell":
        return len(set(np.sign(projections[:, 0]))) / 2
    if unit in ("complex_cell", "hue_cell"):
        angles = np.sort(np.arctan2(projections[:, 1], projections[:, 0]))
        gaps = np.diff(np.append(angles, angles[0] + 2 * math.pi))
        return float(np.minimum(gaps, 2 * math.pi / n).sum() / (2 * math.pi))
    return len(set(projections.argmax(1))) / min(n, k)


def run_checks(seed: int = 0, device: str | None = None) -> list[dict[str, Any]]:
    """Search every ground-truth unit with the default settings.

    Returns:
        One row a unit: unit, expected_index, index, expected_spread, spread, coverage,
        false_claim (how far index or spread exceed what geometry allows, as a share), passed.
    """
    truth, settings = GroundTruth(), Settings()
    rows = []
    for unit, _ in truth.named_children():
        (ds,) = search(f"truth/{unit}/0", seed=seed, device=device)
        deviations = ds.images.values.astype(np.float32) - np.asarray(ds.attrs["grey"], np.float32)
        flat = torch.as_tensor(deviations).permute(0, 3, 1, 2).flatten(1)
        best_index = expected_index(unit, settings.alpha, settings.images)
        best_spread = expected_spread(unit, settings.alpha)
        index, spread = ds.attrs["index"], ds.attrs["spread"]
        covered = coverage(unit, (flat @ truth.filters(unit).T).numpy())
        claim = max(0.0, index / best_index - 1, spread / best_spread - 1)
        rows.append(
            {
                "unit": unit,
                "expected_index": best_index,
                "index": index,
                "expected_spread": best_spread,
                "spread": spread,
                "coverage": covered,
                "false_claim": claim,
                "passed": bool(
                    index >= LOWEST_SHARE["index"] * best_index
                    and spread >= LOWEST_SHARE["spread"] * best_spread
                    and covered >= LOWEST_SHARE["coverage"]
                    and claim <= LARGEST_FALSE_CLAIM
                    and ds.attrs["fraction_min"] >= settings.alpha - 0.01
                ),
            }
        )
    return rows

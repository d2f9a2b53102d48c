"""Shares of the reference's activation: of random crops, exemplars and the set, on one axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

from invis.views.base import words
from invis.views.base.theme import LABEL_SIZE, Palette

# Random crops that are drawn; their density is that of all.
DRAWN = 700
ROWS = ("random crops", "exemplars", "… at the set’s contrast", "the set")
NAMES_WIDTH = 190


def verdict(found: Dataset) -> str:
    """How strong the strongest crops are, against random crops, and at the set's contrast."""
    random = found["random_fraction"].values.astype(float)
    share = found["fraction"].values.astype(float)
    equal = found["equal_fraction"].values.astype(float)
    if found.attrs.get("dead") or not np.isfinite(share).any():
        return "This unit is dead: it has no reference to compare these crops with."
    usual = words.percent(float(np.median(random))) if len(random) else "–"
    best = words.percent(float(np.nanmax(share)))
    at_equal = words.percent(float(np.nanmedian(equal)))
    return (
        f"The strongest of {found.attrs['seen']:,} crops reaches {best} of the reference’s "
        f"activation, a random one {usual} (median). At the contrast of the set, these exemplars "
        f"reach {at_equal} (median)."
    ).replace("-", "\u2212")


def note(found: Dataset) -> str:
    """How the exemplars are to be read."""
    contrast = found["contrast"].values.astype(float)
    of_set = float(found.attrs.get("pixel_contrast", found.attrs["contrast"]))
    low, high = float(contrast.min()), float(contrast.max())
    skipped = int(found.attrs.get("left_out", 0))
    left = f" {skipped} files were left out." if skipped else ""
    return (
        f"{found.attrs['pictures']:,} pictures. Shown as they are, RMS contrast {low:.0f} to "
        f"{high:.0f} grey levels; the set has {of_set:.0f}. Bars: as they "
        f"are; the mark: at the set’s contrast and in its band.{left}"
    )


def share_traces(found: Dataset, ds: Dataset, colours: Palette) -> list[dict[str, Any]]:
    """One row of dots each on axes x3 and y3, and the names of the rows."""
    rng = np.random.default_rng(0)
    random = _finite(found["random_fraction"].values)
    drawn = random if len(random) <= DRAWN else np.sort(random)[:: -(-len(random) // DRAWN)]
    rows = [
        (drawn, colours.null, "circle", 5, 0.35, 0.3),
        (_finite(found["fraction"].values), colours.spread, "diamond", 12, 0.9, 0.0),
        (_finite(found["equal_fraction"].values), colours.spread, "diamond-open", 12, 0.9, 0.0),
        (_finite(ds["fraction"].values), colours.index, "circle", 12, 0.9, 0.0),
    ]
    traces: list[dict[str, Any]] = []
    for place, (values, colour, symbol, size, opacity, spread) in enumerate(rows):
        aside = rng.uniform(-spread, spread, len(values))
        traces.append(
            {
                "type": "scatter", "mode": "markers", "xaxis": "x3", "yaxis": "y3",
                "x": values.tolist(), "y": (place + aside).tolist(), "cliponaxis": False,
                "marker": {"symbol": symbol, "size": size, "color": colour, "opacity": opacity,
                           "line": {"width": 2 if "open" in symbol else 0, "color": colour}},
                "hovertemplate": f"{ROWS[place]}: %{{x:.1%}}<extra></extra>",
            }
        )  # fmt: skip
    if len(random):
        middle = float(np.median(random))
        traces.append(
            {
                "type": "scatter", "mode": "lines", "xaxis": "x3", "yaxis": "y3",
                "x": [middle, middle], "y": [-0.4, 0.4], "hoverinfo": "skip",
                "line": {"width": 3, "color": colours.ink},
            }
        )  # fmt: skip
    return traces


def share_axes(
    found: Dataset, y_domain: tuple[float, float], inner: float
) -> dict[str, dict[str, Any]]:
    """The axes x3 and y3: percent of the reference, and a row for each kind."""
    values = [_finite(found[key].values) for key in ("random_fraction", "fraction")]
    every = np.concatenate([*values, [0.0, 1.0]])
    low, high = float(every.min()), float(every.max())
    edge = 0.04 * (high - low)
    return {
        "xaxis3": {
            "domain": [NAMES_WIDTH / inner, 1], "range": [low - edge, high + edge], "anchor": "y3",
            "tickformat": ".0%", "nticks": 8, "zeroline": True,
        },
        "yaxis3": {
            "domain": list(y_domain), "range": [len(ROWS) - 0.5, -0.6], "anchor": "x3",
            "tickvals": list(range(len(ROWS))), "ticktext": [f"{row}  " for row in ROWS],
            "showgrid": False, "tickfont": {"size": LABEL_SIZE},
        },
    }  # fmt: skip


def _finite(values: NDArray[np.float32]) -> NDArray[np.float64]:
    known = np.asarray(values, dtype=float)
    return known[np.isfinite(known)]

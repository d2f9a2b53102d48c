"""What the pictures of trajectories share: names, and how steps are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invis.trajectory.fit import CANNOT_TELL, Comparison
from invis.views.base.theme import LABEL_SIZE, Palette

NAMES = {
    "walk": "random walk",
    "momentum": "walk with momentum",
    "drift": "walk with drift",
    "ou": "Ornstein–Uhlenbeck process",
}
GREEK = {"gamma": "γ", "mu": "μ", "alpha": "α", "start": "start"}


def parameters_text(parameters: dict[str, float]) -> str:
    """`γ = 0.9` and the like."""
    return ", ".join(f"{GREEK[key]} = {value:.3g}" for key, value in parameters.items())


def verdict(comparison: Comparison) -> str:
    """One or two sentences on which null explains the spectrum."""
    said = comparison.reason
    return f"Can’t tell. {said}" if comparison.best == CANNOT_TELL else said


def uneven(steps: NDArray[np.int64]) -> bool:
    """Whether steps are so unequally spaced that a logarithm shows them better."""
    gaps = np.diff(steps)
    return bool(len(gaps) > 2 and gaps.max() > 30 * gaps.min())


def tint(steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T,) numbers by which checkpoints are coloured."""
    shifted = steps - steps[0]
    return np.log1p(shifted) if uneven(steps) else shifted.astype(float)


def dots(size: int, shades: NDArray[np.float64], colours: Palette) -> dict[str, Any]:
    """Markers coloured by step; the rim keeps the darkest ones visible on a dark page."""
    rim = {"color": colours.muted, "width": 0.7}
    return {"size": size, "color": shades, "coloraxis": "coloraxis", "line": rim}


def colour_axis(steps: NDArray[np.int64], colours: Palette, middle: float) -> dict[str, Any]:
    """A colour bar of steps, its middle at the height `middle`."""
    shades = tint(steps)
    wanted = np.linspace(shades[0], shades[-1], 5)
    picked = sorted({int(np.argmin(np.abs(shades - value))) for value in wanted})
    return {
        # Lightness rises along it, for every kind of colour vision.
        "colorscale": "Viridis",
        "colorbar": {
            "title": {"text": "step", "font": {"size": LABEL_SIZE, "color": colours.muted}},
            "tickvals": shades[picked].tolist(),
            "ticktext": [str(steps[k]) for k in picked],
            "tickfont": {"color": colours.muted},
            "len": 0.5,
            "thickness": 14,
            "outlinewidth": 0,
            "x": 1,
            "xanchor": "right",
            "y": middle,
        },
    }

"""What exemplars show, in words."""

from __future__ import annotations

import numpy as np
from xarray import Dataset

from invis.views.base import words


def title(found: Dataset) -> str:
    """Whose exemplars."""
    return f"{words.title(found)}: exemplars"


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
    low, high = float(contrast.min()), float(contrast.max())
    skipped = int(found.attrs.get("left_out", 0))
    left = f" {skipped} files were left out." if skipped else ""
    return (
        f"{found.attrs['pictures']:,} pictures. Shown as they are, RMS contrast {low:.0f} to "
        f"{high:.0f} grey levels; the set has {float(found.attrs['contrast']):g}. Bars: as they "
        f"are; the mark: at the set’s contrast and in its band.{left}"
    )

"""Which invariances the curves allow to be named, and how to say it.

A linear unit answers a transformed image by its overlap with the reference, so no transformation
that leaves less than UNSEEN of the overlap can leave STILL of its response. Where a unit's
response does stay, the unit is not linear, and the family names what it ignores. That is a fact
about one image, so a second condition concerns the set, for all but polarity and contrast: the
family must reach its images from the reference better than it reaches all but 1 in 20 of the
matched linear unit's sets, and at least half as well as the family that reaches them best.

Each family adds its own rule to these: see `invis.probe.families`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invis.probe.curves import Curve
from invis.probe.gratings import Tuning

UNSEEN, STILL = 0.3, 0.7
# Of what the best family explains of the set.
SHARED = 0.5
WORTH_SAYING = 0.2


class Evidence:
    """What is known of one unit when a family is to be claimed.

    Attributes:
        curves: by family.
        tuning: to gratings.
        reference: (C, h, w) deviation from grey.
    """

    def __init__(self, curves: Mapping[str, Curve], tuning: Tuning, reference: Tensor) -> None:
        self.curves, self.tuning, self.reference = curves, tuning, reference
        self._most = max(curve.explained for curve in curves.values())

    def claimed(self, name: str) -> bool:
        """Whether the unit ignores a family, by the family's own rule."""
        if name not in self.curves:
            return False
        rule = self.curves[name].family.claim
        return rule(self) if rule else self.stays(name) and self.reaches(name)

    def stays(self, name: str, among: NDArray[np.bool_] | None = None) -> bool:
        """Whether the unit still answers, at one of these values, where a linear one would not."""
        curve = self.curves[name]
        draws = curve.family.draws
        response, null = (x.reshape(-1, draws).mean(1) for x in (curve.response, curve.null))
        unseen = np.abs(null) < UNSEEN
        if among is not None:
            unseen = unseen & among
        return bool((response[unseen] >= STILL).any())

    def reaches(self, name: str) -> bool:
        """Whether the family explains the set, and not by chance."""
        curve = self.curves[name]
        chance = float(np.quantile(curve.explained_null, 0.95))
        return curve.explained > max(chance, SHARED * self._most)


def claims(evidence: Evidence) -> tuple[str, ...]:
    """The names of what the unit ignores."""
    return tuple(name for name in evidence.curves if evidence.claimed(name))


def sentence(
    names: tuple[str, ...], tuning: Tuning, explained: Mapping[str, float] | None = None
) -> str:
    """The names and the best grating in one line.

    Where nothing can be named, `explained` (the share of the set that each family reaches) says
    what comes nearest.
    """
    said = f"{_joined(names)}-invariant" if names else "nothing claimed"
    if explained and not names:
        nearest = max(explained, key=lambda name: explained[name])
        if explained[nearest] >= WORTH_SAYING:
            said += f", nearest {nearest} ({100 * explained[nearest]:.0f} % of the set)"
    if not tuning.tuned:
        return f"{said}; not tuned to gratings"
    grating = f"grating, {tuning.frequency:.2f} c/px, tilted {tuning.orientation:.0f} degrees"
    if math.isfinite(tuning.f1_f0):
        grating += f", F1/F0 {tuning.f1_f0:.1f}"
    return f"{said} {grating}" if names else f"{said}; {grating}"


def _joined(names: tuple[str, ...]) -> str:
    """`hue`, `hue- and phase`, `hue-, phase- and scale`."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(f'{name}-' for name in names[:-1])} and {names[-1]}"

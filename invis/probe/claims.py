"""Which invariances the curves allow to be named, and how to say it.

A linear unit answers a transformed image by its overlap with the reference, so no transformation
that leaves less than UNSEEN of the overlap can leave STILL of its response. Where a unit's
response does stay, the unit is not linear, and the family names what it ignores. That is a fact
about one image, so a second condition concerns the set, for all but polarity and contrast: the
family must reach its images from the reference better than it reaches all but 1 in 20 of the
matched linear unit's sets, and at least half as well as the family that reaches them best.

Families overlap: half a turn of the phase is the other polarity, a small shift of a grating is a
phase, a smooth deformation is a shift here and there. The most specific name that explains the
others stands for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.probe.curves import Curve
from invis.probe.families import DRAWS
from invis.probe.gratings import Tuning
from invis.probe.transform import envelope, move

UNSEEN, STILL = 0.3, 0.7
# The best grating drives a unit that is tuned to gratings to such a share of the reference's
# response, or looks so much like the reference (a square law hides the first, not the second).
TUNED = 0.35
# Of F1/F0, a third of what a rectified linear unit has; of the worst phase over the best, where a
# unit that ignores polarity alone has at most sin(11.25 degrees) = 0.2 on sixteen phases.
MODULATED, EVEN = 0.5, 0.25
# Of what the best family explains of the set.
SHARED = 0.5
WORTH_SAYING = 0.2
# Contrast at which a unit that ignores it still gives STILL; a linear one gives this share.
LOW_CONTRAST = 0.25


def claims(curves: Mapping[str, Curve], tuning: Tuning, reference: Tensor) -> tuple[str, ...]:
    """The names of what the unit ignores, by the rules told above.

    Args:
        curves: by family.
        tuning: to gratings.
        reference: (C, h, w) deviation from grey.
    """
    stays = {name: _stays(name, curve) for name, curve in curves.items()}
    most = max(curve.explained for curve in curves.values())
    reaches = {name: _reaches(curve, most) for name, curve in curves.items()}
    kept = {n for n in ("hue", "rotation", "scale", "blur") if stays.get(n) and reaches.get(n)}
    even = tuning.f1_f0 < MODULATED and tuning.evenness >= EVEN
    if tuned(tuning) and even and reaches["phase"]:
        kept.add("phase")
    apart = _apart(curves["translation"], reference, tuning) if "phase" in kept else None
    if _stays("translation", curves["translation"], apart) and reaches["translation"]:
        kept.add("translation")
    if "phase" in kept or stays["polarity"]:
        # Half a turn of a grating is its other phase, and of a pattern of two signs its other sign.
        turned = curves["rotation"].values != 180
        if not _stays("rotation", curves["rotation"], turned):
            kept.discard("rotation")
    if stays["polarity"] and not kept & {"phase", "hue"}:
        kept.add("polarity")
    if stays["deformation"] and reaches["deformation"] and not kept & {"phase", "translation"}:
        kept.add("deformation")
    if stays["contrast"]:
        kept.add("contrast")
    return tuple(name for name in curves if name in kept)


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
    if not tuned(tuning):
        return f"{said}; not tuned to gratings"
    grating = f"grating, {tuning.frequency:.2f} c/px, tilted {tuning.orientation:.0f} degrees"
    if math.isfinite(tuning.f1_f0):
        grating += f", F1/F0 {tuning.f1_f0:.1f}"
    return f"{said} {grating}" if names else f"{said}; {grating}"


def tuned(tuning: Tuning) -> bool:
    """Whether the unit is one for gratings."""
    return max(tuning.share, tuning.overlap) >= TUNED


def _joined(names: tuple[str, ...]) -> str:
    """`hue`, `hue- and phase`, `hue-, phase- and scale`."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(f'{name}-' for name in names[:-1])} and {names[-1]}"


def _stays(name: str, curve: Curve, among: NDArray[np.bool_] | None = None) -> bool:
    """Whether the unit still answers where the linear unit no longer would."""
    response, null = curve.response, curve.null
    if name == "contrast":
        return bool(response[np.isclose(curve.values, LOW_CONTRAST)][0] >= STILL)
    if name == "polarity":
        return bool(response[1] >= STILL)
    if name == "deformation":
        response, null = (x.reshape(-1, DRAWS).mean(1) for x in (response, null))
    unseen = np.abs(null) < UNSEEN
    if among is not None:
        unseen = unseen & among
    return bool((response[unseen] >= STILL).any())


def _reaches(curve: Curve, most: float) -> bool:
    """Whether the family explains the set, and not by chance; `most` is the best family's share."""
    chance = float(np.quantile(curve.explained_null, 0.95))
    return curve.explained > max(chance, SHARED * most)


def _apart(curve: Curve, reference: Tensor, tuning: Tuning) -> NDArray[np.bool_]:
    """Shifts by which a grating's patch leaves itself: no phase explains a response there."""
    patch = envelope(reference, tuning.wave)
    moved = move(patch, torch.from_numpy(curve.values)).flatten(1)
    flat = patch.flatten()
    overlap = moved @ flat / (moved.norm(dim=1).clamp(min=1e-9) * flat.norm())
    return (overlap < 0.5).numpy()

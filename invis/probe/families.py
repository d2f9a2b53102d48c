"""The families of transformations that are known, and the rules for their claims.

Families overlap: half a turn of the phase is the other polarity, a small shift of a grating is a
phase, a smooth deformation is a shift here and there. The most specific name that explains the
others stands for them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.probe import transform
from invis.probe.claims import STILL, Evidence
from invis.probe.family import Family, Members, Wave

TURNS = torch.arange(16) * 22.5
# Where one colour counts twice as much as another, even steps of hue are uneven in the metric.
HUES = torch.arange(32) * 11.25
CONTRASTS = torch.tensor([0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
# Contrast at which a unit that ignores it still gives STILL; a linear one gives this share.
LOW_CONTRAST = 0.25
DRAWS = 4
# Of F1/F0, a third of what a rectified linear unit has; of the worst phase over the best, where a
# unit that ignores polarity alone has at most sin(11.25 degrees) = 0.2 on sixteen phases.
MODULATED, EVEN = 0.5, 0.25


def _phase(image: Tensor, wave: Wave, fine: bool) -> Members:
    return Members(TURNS, transform.phase(image, TURNS, wave))


def _phase_claim(evidence: Evidence) -> bool:
    tuning = evidence.tuning
    even = tuning.f1_f0 < MODULATED and tuning.evenness >= EVEN
    return tuning.tuned and even and evidence.reaches("phase")


def _translation(image: Tensor, wave: Wave, fine: bool) -> Members:
    """Shifts over a grid in both directions, or along rows and along columns only."""
    farthest = max(image.shape[1:]) * 2 / 3
    if fine:
        steps = torch.linspace(-farthest, farthest, 17)
        shifts = torch.cartesian_prod(steps, steps)
    else:
        steps, none = torch.linspace(-farthest, farthest, 9), torch.zeros(9)
        shifts = torch.cat([torch.stack([steps, none], 1), torch.stack([none, steps], 1)])
    return Members(shifts, transform.move(image, shifts))


def _translation_claim(evidence: Evidence) -> bool:
    apart = _apart(evidence) if evidence.claimed("phase") else None
    return evidence.stays("translation", apart) and evidence.reaches("translation")


def _apart(evidence: Evidence) -> NDArray[np.bool_]:
    """Shifts by which a grating's patch leaves itself: no phase explains a response there."""
    patch = transform.envelope(evidence.reference, evidence.tuning.wave)
    values = torch.from_numpy(evidence.curves["translation"].values)
    moved, flat = transform.move(patch, values).flatten(1), patch.flatten()
    overlap = moved @ flat / (moved.norm(dim=1).clamp(min=1e-9) * flat.norm())
    return (overlap < 0.5).numpy()


def _rotation(image: Tensor, wave: Wave, fine: bool) -> Members:
    return Members(TURNS, transform.move(image, torch.zeros(len(TURNS), 2), TURNS))


def _rotation_claim(evidence: Evidence) -> bool:
    """Half a turn of a grating is its other phase, and of a pattern of two signs its other sign."""
    turned = None
    if evidence.claimed("phase") or _turns(evidence):
        turned = evidence.curves["rotation"].values != 180
    return evidence.stays("rotation", turned) and evidence.reaches("rotation")


def _scale(image: Tensor, wave: Wave, fine: bool) -> Members:
    scales = torch.exp2(torch.linspace(-1, 1, 9))
    return Members(scales, transform.move(image, torch.zeros(9, 2), scale=scales))


def _hue(image: Tensor, wave: Wave, fine: bool) -> Members | None:
    turns = HUES if fine else TURNS
    return Members(turns, transform.hue(image, turns)) if len(image) == 3 else None


def _polarity(image: Tensor, wave: Wave, fine: bool) -> Members:
    return Members(torch.tensor([1.0, -1.0]), torch.stack([image, -image]))


def _turns(evidence: Evidence) -> bool:
    return bool(evidence.curves["polarity"].response[1] >= STILL)


def _polarity_claim(evidence: Evidence) -> bool:
    return _turns(evidence) and not (evidence.claimed("phase") or evidence.claimed("hue"))


def _contrast(image: Tensor, wave: Wave, fine: bool) -> Members:
    return Members(CONTRASTS, image * CONTRASTS[:, None, None, None])


def _contrast_claim(evidence: Evidence) -> bool:
    curve = evidence.curves["contrast"]
    return bool(curve.response[np.isclose(curve.values, LOW_CONTRAST)][0] >= STILL)


def _blur(image: Tensor, wave: Wave, fine: bool) -> Members:
    sigmas = torch.linspace(0, max(image.shape[1:]) / 5, 7)
    return Members(sigmas, transform.blur(image, sigmas))


def _deformation(image: Tensor, wave: Wave, fine: bool) -> Members:
    amplitudes = torch.linspace(0, max(image.shape[1:]) / 8, 6).repeat_interleave(DRAWS)
    return Members(amplitudes, transform.deform(image, amplitudes))


def _deformation_claim(evidence: Evidence) -> bool:
    local = evidence.stays("deformation") and evidence.reaches("deformation")
    return local and not (evidence.claimed("phase") or evidence.claimed("translation"))


FAMILIES: dict[str, Family] = {}


def register(family: Family) -> None:
    """Make a family known to probes, pictures and filters, after those that already are.

    Raises:
        InvisError: if there is one of that name.
    """
    if family.name in FAMILIES:
        raise InvisError(f"family {family.name!r} is registered already: give it another name")
    FAMILIES[family.name] = family


for _family in (
    Family("phase", "phase, degrees", _phase, _phase_claim, period=360),
    Family("translation", "shift, px", _translation, _translation_claim),
    Family("rotation", "angle, degrees", _rotation, _rotation_claim, period=360),
    Family("scale", "size, times", _scale),
    Family("hue", "hue, degrees", _hue, period=360),
    Family("polarity", "sign", _polarity, _polarity_claim),
    Family("contrast", "contrast, times", _contrast, _contrast_claim, keeps_norm=False),
    Family("blur", "sigma, px", _blur),
    Family("deformation", "displacement, px RMS", _deformation, _deformation_claim, draws=DRAWS),
):
    register(_family)

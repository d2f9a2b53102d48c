"""An explanation in words: what is ignored, how far, and how much of the set that is."""

from __future__ import annotations

import math
from typing import Any

import torch

from invis.probe.explain.hold import Held, Region

# Kept so nearly everywhere, a range is said to be any.
ANY = 0.95


def range_of(region: Region, level: float, side: int) -> dict[str, Any]:
    """Within what a family is ignored: numbers for a record.

    Args:
        region: of the family.
        level: that the response keeps.
        side: of the field in pixels.
    """
    move, kept = region.move, region.kept(level)
    if move.discrete:
        return {"unit": move.axis, "kept": bool(kept[-1])}
    if len(region.within):
        most = float(region.within[kept].max()) if bool(kept.any()) else 0.0
        values = region.values[kept] * move.scale
        size = float(values.square().mean().sqrt()) if len(values) else 0.0
        if move.axis == "sides":
            return {"unit": "px RMS", "up_to": round(size * side, 2), "share_of_fits": _short(most)}
        return {"unit": move.axis, "up_to": round(size, 3), "share_of_fits": _short(most)}
    values = region.values * move.scale
    if move.numbers == 2:
        length = values.norm(dim=1)
        at = int((length * kept).argmax())
        scale, unit = (side, "px") if move.axis == "sides" else (1.0, move.axis)
        direction = math.degrees(math.atan2(float(values[at, 0]), float(values[at, 1]))) % 180
        across = values @ torch.stack([-values[at, 1], values[at, 0]]) / length[at].clamp(1e-9)
        return {
            "unit": unit,
            "up_to": round(float(length[at]) * scale, 2),
            "direction": round(direction, 1),
            "across": round(float((across.abs() * kept).max()) * scale, 2),
        }
    low, high = _run(values[:, 0], kept)
    far = float((values[:, 0].abs() * kept).max())
    found: dict[str, Any] = {"kept": _short(float(kept.float().mean()))}
    if move.period:
        return {
            "unit": "degrees", "from": round(math.degrees(low), 1),
            "to": round(math.degrees(high), 1), "farthest": round(math.degrees(far), 1),
        } | found  # fmt: skip
    if move.name == "scale":
        return {
            "unit": "times",
            "from": _short(math.exp(low)),
            "to": _short(math.exp(high)),
        } | found
    if move.name == "blur":
        return {"unit": "px", "from": 0.0, "to": round(high * side, 2)} | found
    return {"unit": "times", "from": _short(1 + low), "to": _short(1 + high)} | found


def _run(values: torch.Tensor, kept: torch.Tensor) -> tuple[float, float]:
    """The ends of the unbroken run of kept values around 0; values (V,) ascend."""
    middle = int(values.abs().argmin())
    low = high = middle
    while low > 0 and bool(kept[low - 1]):
        low -= 1
    while high < len(values) - 1 and bool(kept[high + 1]):
        high += 1
    return float(values[low]), float(values[high])


def phrase(name: str, found: dict[str, Any]) -> str:
    """`rotation by up to 30 degrees`."""
    if name == "polarity" or not found:
        return name
    unit = found["unit"]
    if "direction" in found:
        if name != "shift":
            return f"{name} by up to {found['up_to']:g}"
        if found["across"] >= 0.7 * found["up_to"]:
            return f"shift by up to {found['up_to']:.1f} px"
        return f"shift by up to {found['up_to']:.1f} px, tilted {found['direction']:.0f} degrees"
    if "share_of_fits" in found:
        return f"{name} by up to {found['up_to']:.1f} px" if unit == "px RMS" else name
    if unit == "degrees":
        if found["kept"] >= ANY:
            return f"any {name}"
        run = max(-found["from"], found["to"])
        if found["farthest"] > run + 10:
            return f"{name} in steps, up to {found['farthest']:.0f} degrees"
        return f"{name} by up to {run:.0f} degrees"
    if name == "blur":
        return f"blur by up to {found['to']:.1f} px"
    what = "size" if name == "scale" else name
    return f"{what} from {found['from']:.2g} to {found['to']:.2g} times"


def sentence(
    claimed: dict[str, dict[str, Any]],
    explained: float,
    null: float,
    held: Held | None,
    nearest: str | None,
) -> str:
    """What the unit ignores, in one line.

    Args:
        claimed: family -> its range, the one with the largest share first.
        explained, null: share of the set, and of the linear unit's sets.
        held: the test of new images; None where nothing is claimed.
        nearest: the family that comes nearest where nothing is claimed.
    """
    if not claimed:
        return f"nothing claimed; {nearest} comes nearest" if nearest else "nothing claimed"
    said = [phrase(name, found) for name, found in claimed.items()]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    share = f"{100 * explained:.0f} % of the set (a linear unit's: {100 * null:.0f} %)"
    told = "" if held is None else f"; {100 * held.kept:.0f} % of new images keep the floor"
    return f"ignores {listed}: {share}{told}"


def _short(value: float) -> float:
    return round(value, 3)

"""Which families of transformations a set needs, and what each of them explains of it.

Families are taken in one after the other, each time the one after which a joint fit explains most,
until none adds WORTH of the set's squared distance from the reference; of two that explain nearly
the same, the simpler one. What is explained is shared out by Shapley's rule: the mean, over all
orders in which the chosen families can join, of what each adds to those before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from invis.probe.explain.fit import SLACK, Aim, Fits, fit, least_squares, look
from invis.probe.explain.moves import Move
from invis.probe.explain.scene import Scene

MOST, WORTH, NEARLY = 4, 0.03, 0.9
# Families that are tried again beside a chosen one.
LATER = 5
# Shares of a least-squares solution that a fit may start from.
PORTIONS = (1.0, 0.6, 0.3)
# A start below the floor may climb to it: what falling short costs, in shares of the distance.
SOFT = 3.0
REFIT_STEPS = 14

Names = tuple[str, ...]


@dataclass(frozen=True)
class Chosen:
    """Attributes:
    names: the families, in the order they were taken in.
    fits: (N) of all of them together.
    explained: share of the set's squared distance that the fits remove.
    shares: family -> its part of `explained`.
    alone: every family -> what it explains by itself.
    """

    names: Names
    fits: Fits
    explained: float
    shares: dict[str, float]
    alone: dict[str, float]


def choose(scene: Scene, aim: Aim, most: int = MOST) -> Chosen:
    """Choose the families that explain the targets, and share out what they explain."""
    found: dict[frozenset[str], Fits] = {frozenset(): nothing(scene, aim)}
    names: Names = ()
    alone: dict[str, float] = {}
    while len(names) < most:
        held = found[frozenset(names)]
        tried = together(scene, aim, held, names, _promising(scene, names, alone))
        gains = {name: explained(aim, fits) for name, fits in tried.items()}
        if not names:
            alone = gains
        for name, fits in tried.items():
            found[frozenset((*names, name))] = fits
        now = explained(aim, held)
        top = max(gains.values()) - now
        if top < WORTH:
            break
        names += (next(name for name in gains if gains[name] - now >= NEARLY * top),)
    fill(scene, aim, found, names)
    return Chosen(
        names,
        found[frozenset(names)],
        explained(aim, found[frozenset(names)]),
        shapley(names, {group: explained(aim, fits) for group, fits in found.items()}),
        alone,
    )


def _promising(scene: Scene, names: Names, alone: dict[str, float]) -> Names:
    """The families that may be taken in next: all, then those that explain most by themselves."""
    left = [move.name for move in scene.moves if move.name not in names]
    best = sorted(left, key=lambda name: -alone.get(name, 0.0))[:LATER]
    return tuple(name for name in left if name in best) if alone else tuple(left)


def nothing(scene: Scene, aim: Aim) -> Fits:
    """The fits of no family: the reference itself."""
    theta = torch.zeros(len(aim.targets), scene.size, device=aim.targets.device)
    return Fits(theta, aim.squared.clone())


def explained(aim: Aim, fits: Fits) -> float:
    """The share of the squared distance between reference and targets that fits remove."""
    return float(1 - fits.left.sum() / aim.squared.sum())


def together(scene: Scene, aim: Aim, held: Fits, names: Names, tried: Names) -> dict[str, Fits]:
    """Each of `tried` fitted together with the families that are held, all of them in one batch."""
    moves = [scene.move(name) for name in tried]
    begun = [begin(scene, aim, held, move) for move in moves]
    starts = torch.cat([theta for theta, _ in begun])
    masks = torch.stack([scene.mask((*names, move.name)) for move in moves])
    count = len(aim.targets)
    rows = torch.arange(len(starts), device=starts.device)
    parts = [
        fit(scene, aim, part % count, starts[part], masks[part // count])
        for part in rows.split(scene.at_once)
    ]
    theta, left = torch.cat([one.theta for one in parts]), torch.cat([one.left for one in parts])
    return {
        move.name: Fits(theta[rows // count == k], left[rows // count == k]).better(safe)
        for k, (move, (_, safe)) in enumerate(zip(moves, begun, strict=True))
    }


def joint(scene: Scene, aim: Aim, names: Names) -> Fits:
    """Known families fitted together, taken in one after the other."""
    held = nothing(scene, aim)
    for k, name in enumerate(names):
        start, safe = begin(scene, aim, held, scene.move(name))
        mask = scene.mask(names[: k + 1]).expand(len(start), -1)
        which = torch.arange(len(start), device=start.device)
        held = fit(scene, aim, which, start, mask).better(safe)
    return held


def begin(scene: Scene, aim: Aim, held: Fits, move: Move) -> tuple[Tensor, Fits]:
    """Where the fit of a further move begins, image by image.

    Returns:
        (N, P) the start that is nearest to the target and not far below the floor, and the start
        that is nearest with the floor kept.
    """
    count, where = len(held.theta), scene.where[move.name]
    which = torch.arange(count, device=held.theta.device)
    own = move.starts().to(held.theta) / move.scale
    values = own.expand(count, -1, -1)
    if move.linear:
        solved = least_squares(scene, aim, which, held.theta, where)
        values = torch.stack([solved * portion for portion in PORTIONS], 1)
    each = values.shape[1]
    if each == 0:
        return held.theta, held
    theta = held.theta.repeat_interleave(each, 0)
    theta[:, where] = values.flatten(0, 1)
    rows = which.repeat_interleave(each)
    looked = [
        look(scene, aim, rows[part], theta[part])
        for part in torch.arange(len(rows), device=rows.device).split(scene.at_once)
    ]
    distance = torch.cat([one for one, _ in looked]).view(count, each)
    value = torch.cat([one for _, one in looked]).view(count, each)
    theta = theta.view(count, each, -1)
    cost = distance / aim.squared[:, None]
    soft = cost + SOFT * (aim.floor - value).clamp(min=0).square()
    near, place = soft.min(1)
    stay = near >= held.left / aim.squared
    start = torch.where(stay[:, None], held.theta, theta[which, place])
    strict, place = distance.masked_fill(value < aim.floor - SLACK, torch.inf).min(1)
    return start, Fits(theta[which, place], strict).better(held)


def fill(scene: Scene, aim: Aim, found: dict[frozenset[str], Fits], names: Names) -> None:
    """Fit every group of the chosen families that has no fit yet, and let none be worse than a part
    of it: a fit of fewer families is one of more."""
    groups = [frozenset(g) for size in range(1, len(names) + 1) for g in combinations(names, size)]
    missing = [group for group in groups if group not in found]
    if missing:
        held = found[frozenset(names)]
        masks = torch.stack([scene.mask(tuple(group)) for group in missing])
        count = len(aim.targets)
        which = torch.arange(count, device=masks.device).repeat(len(missing))
        rows = masks.repeat_interleave(count, 0)
        start = held.theta.repeat(len(missing), 1) * rows
        fits = fit(scene, aim, which, start, rows, REFIT_STEPS)
        for k, group in enumerate(missing):
            part = slice(k * count, (k + 1) * count)
            found[group] = Fits(fits.theta[part], fits.left[part])
    for group in groups:
        for name in group:
            found[group] = found[group].better(found[group - {name}])


def shapley(names: Names, value: dict[frozenset[str], float]) -> dict[str, float]:
    """Name -> its share of value[all names]; `value` of every group of names, 0 of none."""
    count, shares = len(names), dict.fromkeys(names, 0.0)
    for name in names:
        others = [other for other in names if other != name]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1)
            for group in combinations(others, size):
                added = value[frozenset((*group, name))] - value[frozenset(group)]
                shares[name] += weight * added / math.factorial(count)
    return shares

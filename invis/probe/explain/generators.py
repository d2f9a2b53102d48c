"""Directions in which a unit's response is flat, as groups of transformations followed to the end.

A generator G is a combination of shift, rotation, scale, shear, hue, saturation and phase; the
images exp(t G) of the reference are a curve through it. Those along which the response curves least
for the distance that they go (Berkes and Wiskott 2006) are taken, after the idea of searching the
algebra of a group for what leaves things unchanged (LieGAN, Yang et al. 2023). To a linear unit the
curvature is 1 in every direction: its response is the overlap with the reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from invis.probe.explain.answer import Answer
from invis.probe.explain.scene import Scene

# The simplest first.
NAMES = ("hue", "phase", "rotation", "scale", "saturation", "shift", "shear")
# A first look, in units of a number's scale; then a distance that is small enough for a second
# derivative and large enough for single precision.
TRIED, STEP = 0.02, 0.08
# Numbers that hardly move the image (a grey one's hue) are no directions, in units of the norm for
# 1 of their scale; nor are combinations in which the others nearly cancel.
SLOWEST, FAINT = 0.2, 0.05
COUNT, POINTS, FARTHEST = 3, 60, 4.0
# A family that makes so much of a direction is its name; a second one is told if it makes much.
NAMED, SECOND, NEARLY = 0.8, 0.3, 0.9


@dataclass(frozen=True)
class Direction:
    """Attributes:
    weights: family -> its part of the way that the direction goes, in all 1.
    curvature: of the response for the distance; 1 for a linear unit.
    reach: the farthest distance from the reference within the unbroken run that keeps the floor.
    reach_linear: the same where the linear unit answers.
    vectors: (T, D) images along that run.
    """

    weights: dict[str, float]
    curvature: float
    reach: float
    reach_linear: float
    vectors: Tensor

    @property
    def words(self) -> str:
        """The simplest family of those that make most of it, and what else makes much."""
        most = max(self.weights.values())
        first = next(name for name, part in self.weights.items() if part >= NEARLY * most)
        others = sorted(set(self.weights) - {first}, key=lambda name: -self.weights[name])
        named = [name for name in others[:1] if most < NAMED and self.weights[name] > SECOND]
        return " with ".join([first, *named])


@torch.no_grad()
def generators(scene: Scene, answer: Answer, floor: float) -> list[Direction]:
    """The flattest directions, the flattest first."""
    names = [name for name in NAMES if name in scene.where]
    places = torch.cat(
        [torch.arange(scene.where[name].start, scene.where[name].stop) for name in names]
    ).to(scene.reference.device)

    def at(steps: Tensor) -> Tensor:
        """(B, K) numbers -> unit vectors."""
        theta = scene.reference.new_zeros(len(steps), scene.size)
        theta[:, places] = steps
        return scene.vectors(theta)

    # All go equally far: a number of each that moves the image by a small distance.
    basis = torch.eye(len(places), device=places.device)
    speed = ((at(TRIED * basis) - at(-TRIED * basis)) / (2 * TRIED)).norm(dim=1)
    moving = speed > SLOWEST
    basis = basis[moving] / speed[moving, None]
    owner = [name for name in names for _ in range(scene.move(name).numbers)]
    owner = [name for name, moves in zip(owner, moving.tolist(), strict=True) if moves]
    slope = (at(STEP * basis) - at(-STEP * basis)) / (2 * STEP)
    # A second difference of f along e_i + e_j holds those along each and the mixed one.
    i, j = torch.triu_indices(len(basis), len(basis)).to(places.device)
    pairs = STEP * (basis[i] + basis[j])
    top = answer.value(at(0 * basis[:1]))
    second = (answer.value(at(pairs)) + answer.value(at(-pairs)) - 2 * top) / STEP**2
    along = second[i == j] / 4
    bend = torch.zeros(len(basis), len(basis), device=places.device)
    bend[i, j] = bend[j, i] = -(second - along[i] - along[j]) / 2
    found = []
    for direction, curvature in flattest(bend, slope @ slope.T, COUNT):
        full = torch.zeros(scene.size, device=places.device)
        full[places] = direction @ basis
        weights = parts_of(direction @ slope, slope, owner)
        found.append(_follow(scene, answer, floor, full, weights, curvature))
    return found


def parts_of(change: Tensor, slope: Tensor, owner: list[str]) -> dict[str, float]:
    """Family -> the share of a change (D,) of the image that it can make by itself.

    Args:
        change: of the image along a direction.
        slope: (K, D) changes of the image by each number.
        owner: the family of each number.
    """
    found = {}
    for name in dict.fromkeys(owner):
        own = slope[[one == name for one in owner]]
        fitted = torch.linalg.lstsq(own.T, change[:, None]).solution
        found[name] = float((own.T @ fitted).square().sum() / change.square().sum())
    return found


def flattest(bend: Tensor, speed: Tensor, count: int) -> list[tuple[Tensor, float]]:
    """Directions c (K,) with c' bend c / c' speed c least, orthogonal in `speed`, of speed 1.

    Args:
        bend: (K, K) the negative second derivatives of the response.
        speed: (K, K) inner products of the changes of the image.
    """
    size, axes = torch.linalg.eigh(speed)
    kept = size > FAINT * size.max()
    white = axes[:, kept] / size[kept].sqrt()
    curvature, inner = torch.linalg.eigh(white.T @ bend @ white)
    return [(white @ inner[:, k], float(curvature[k])) for k in range(min(count, len(curvature)))]


def _follow(
    scene: Scene,
    answer: Answer,
    floor: float,
    direction: Tensor,
    weights: dict[str, float],
    curvature: float,
) -> Direction:
    """Both ways along exp(t G), as far as the floor is kept."""
    side, shift = max(scene.shape[1:]), direction * scene.scale
    numbers = {name: shift[where] for name, where in scene.where.items()}
    (turn,), (size,) = numbers["rotation"], numbers["scale"]
    first, second = numbers["shear"]
    algebra = torch.zeros(3, 3, device=direction.device)
    # Where content comes from goes against where it goes to.
    algebra[:2, :2] = torch.stack([first - size, second - turn, second + turn, -first - size]).view(
        2, 2
    )
    algebra[:2, 2] = -numbers["shift"] * side
    times = torch.linspace(-FARTHEST, FARTHEST, 2 * POINTS + 1).to(direction)
    affine = torch.linalg.matrix_exp(times[:, None, None] * algebra)[:, :2]
    theta = times[:, None] * direction
    if "saturation" in numbers:
        gain = torch.expm1(times * numbers["saturation"])
        theta[:, scene.where["saturation"]] = gain[:, None] / scene.move("saturation").scale
    vectors = scene.vectors(theta, affine)
    overlap = vectors @ scene.reference
    distance = (2 - 2 * overlap).clamp(min=0).sqrt()
    low, high = run(answer.value(vectors) >= floor)
    linear = run(overlap >= floor)
    return Direction(
        weights,
        curvature,
        float(distance[low : high + 1].max()),
        float(distance[linear[0] : linear[1] + 1].max()),
        vectors[low : high + 1],
    )


def run(kept: Tensor) -> tuple[int, int]:
    """First and last place of the unbroken run of True (T,) around the middle."""
    middle = len(kept) // 2
    low = high = middle
    while low > 0 and bool(kept[low - 1]):
        low -= 1
    while high < len(kept) - 1 and bool(kept[high + 1]):
        high += 1
    return low, high

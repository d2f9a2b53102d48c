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

NAMES = ("shift", "rotation", "scale", "shear", "hue", "saturation", "phase")
AFFINE = ("shift", "rotation", "scale", "shear")
# Of a family's scale: small enough for a second derivative, large enough for single precision.
STEP = 0.06
# Directions in which images hardly change are no directions.
FAINT = 0.02
COUNT, POINTS, FARTHEST = 3, 60, 6.0
# Of the distance that a direction goes, from where a family is named.
NAMED = 0.25


@dataclass(frozen=True)
class Generator:
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
        """The families that matter, the largest part first."""
        ordered = sorted(self.weights.items(), key=lambda item: -item[1])
        named = [name for name, part in ordered if part >= NAMED] or [ordered[0][0]]
        return " with ".join(named)


@torch.no_grad()
def generators(scene: Scene, answer: Answer, floor: float) -> list[Generator]:
    """The flattest directions, the flattest first."""
    names = [name for name in NAMES if name in scene.where]
    places = torch.cat(
        [torch.arange(scene.where[name].start, scene.where[name].stop) for name in names]
    ).to(scene.reference.device)
    count = len(places)
    basis = torch.eye(count, device=places.device)

    def at(steps: Tensor) -> Tensor:
        """(B, K) numbers -> unit vectors."""
        theta = scene.reference.new_zeros(len(steps), scene.size)
        theta[:, places] = steps
        return scene.vectors(theta)

    ahead, behind = at(STEP * basis), at(-STEP * basis)
    slope = (ahead - behind) / (2 * STEP)
    speed = slope @ slope.T
    # A second difference of f along e_i + e_j holds those along each and the mixed one.
    i, j = torch.triu_indices(count, count).to(places.device)
    pairs = basis[i] + basis[j]
    top = answer.value(scene.reference[None])
    second = (answer.value(at(STEP * pairs)) + answer.value(at(-STEP * pairs)) - 2 * top) / STEP**2
    along = second[i == j] / 4
    bend = torch.zeros(count, count, device=places.device)
    bend[i, j] = bend[j, i] = -(second - along[i] - along[j]) / 2
    bend[range(count), range(count)] = -along
    found = []
    for direction, curvature in flattest(bend, speed, COUNT):
        parts = (direction.square() * speed.diagonal()).cpu()
        shares = parts / parts.sum().clamp(min=1e-12)
        owner = [name for name in names for _ in range(scene.move(name).numbers)]
        weights = {
            name: float(sum(s for s, o in zip(shares, owner, strict=True) if o == name))
            for name in names
        }
        full = torch.zeros(scene.size, device=places.device)
        full[places] = direction
        found.append(_follow(scene, answer, floor, full, weights, curvature))
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
) -> Generator:
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
    return Generator(
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

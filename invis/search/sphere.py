"""Geometry of a search: unit vectors, tangents, and the push that drives a set apart."""

from __future__ import annotations

import torch
from torch import Tensor

REPULSION_POWER = 12.0


def unit(v: Tensor) -> Tensor:
    """(B, D) -> (B, D) vectors of norm 1."""
    return v / v.norm(dim=-1, keepdim=True).clamp_min(1e-20)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """(B, D), (B, D) -> (B,) inner products."""
    return (a * b).sum(-1)


def tangent(g: Tensor, v: Tensor) -> Tensor:
    """The part of g (B, D) along the sphere at the unit vectors v (B, D)."""
    return g - dot(g, v)[..., None] * v


def push(points: Tensor, others: Tensor, power: float = REPULSION_POWER) -> Tensor:
    """Direction in which each point leaves its neighbours.

    The gradient of a repulsive energy sum d^-power, scaled for each point to the size of its
    distance to the nearest neighbours: with a high power only those count, which makes the smallest
    distance grow.

    Args:
        points: (U, N, D).
        others: (U, N, D) where the neighbours are; point i does not see other i.
        power: exponent of the energy.

    Returns:
        (U, N, D)
    """
    weights = neighbour_weights(points, others, power)
    return points - weights @ others


def neighbour_weights(points: Tensor, others: Tensor, power: float = REPULSION_POWER) -> Tensor:
    """(U, N, N) share of each other point in the push on each point; rows sum to 1."""
    n = points.shape[1]
    squared = torch.cdist(points, others).square()
    squared = squared.masked_fill(torch.eye(n, dtype=torch.bool, device=points.device), torch.inf)
    closest = squared.amin(2, keepdim=True).clamp_min(1e-12)
    weights = (closest / squared.clamp_min(1e-12)) ** (power / 2 + 1)
    return weights / weights.sum(2, keepdim=True)


def nearest_distances(points: Tensor) -> Tensor:
    """(U, N, D) -> (U, N) distance of each to its nearest neighbour."""
    away = torch.eye(points.shape[1], device=points.device) * 1e9
    return (torch.cdist(points, points) + away).amin(2)


def nearest_distance(points: Tensor) -> Tensor:
    """(U, N, D) -> (U,) mean distance to the nearest neighbour."""
    return nearest_distances(points).mean(1)

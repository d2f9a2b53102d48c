"""Rounding to 8 bits that leaves the response where it was."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.search.problem import Problem

PASSES = 30
CLOSE = 1e-3


def eight_bit(problem: Problem, v: Tensor, index: Tensor) -> NDArray[np.uint8]:
    """Unit vectors (B, D) -> 8-bit images (B, h, w, C) with nearly the same responses.

    Plain rounding adds noise of a third of a grey level, which a unit selective for fine detail
    sees. So a few pixels are rounded to their other neighbour: those nearest to the middle between
    two levels for the response they give back, in the direction of the gradient, until the response
    is that of the unrounded image. Every pixel stays within one level of its exact value.
    """
    exact = problem.image(v)
    levels = exact.round().clamp(problem.low, problem.high)
    wanted = problem.value(v, index)
    best, least = levels, torch.full_like(wanted, torch.inf)
    for _ in range(PASSES):
        f, slope = problem.image_gradient(levels, index)
        missing = wanted - f
        nearer = missing.abs() < least
        best = torch.where(nearer[:, None, None, None], levels, best)
        least = torch.where(nearer, missing.abs(), least)
        if (least < CLOSE * wanted.abs()).all():
            break
        other = levels + torch.sign(exact - levels)
        other = torch.where((other - exact).abs() < 1, other, levels)
        other = other.clamp(problem.low, problem.high)
        gain = (slope * (other - levels)).flatten(1) * missing.sign()[:, None]
        cost = 1 - 2 * (exact - levels).abs().flatten(1)
        price = torch.where(gain > 0, cost / gain.clamp_min(1e-30), torch.inf)
        order = price.argsort(1)
        ordered = gain.gather(1, order).clamp_min(0)
        flip = (ordered.cumsum(1) - ordered / 2 < missing.abs()[:, None]) & (ordered > 0)
        chosen = torch.zeros_like(flip).scatter(1, order, flip).view_as(levels)
        levels = torch.where(chosen, other, levels)
    pixels = (best - problem.low).clamp(0, 255)
    return pixels.permute(0, 2, 3, 1).to("cpu", torch.uint8).numpy()

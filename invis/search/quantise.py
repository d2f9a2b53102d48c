"""Rounding to 8 bits that leaves the response where it was."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.search.problem import Problem

PASSES = 12
TRIALS, ROUNDS = 48, 12
CLOSE = 2e-3
# Colour values of the images that are handled at once: 16 MB a copy in single precision.
MOST_NUMBERS = 1 << 22


def eight_bit(problem: Problem, v: Tensor, index: Tensor) -> NDArray[np.uint8]:
    """Unit vectors (B, D) -> 8-bit images (B, h, w, C) with nearly the same responses.

    Plain rounding adds noise of a third of a grey level, which a unit selective for fine detail
    sees. So a few pixels are rounded to their other neighbour: those nearest to the middle between
    two levels for the response they give back, until the response is that of the unrounded image.
    Every pixel stays within one level of its exact value.
    """
    exact = problem.image(v)
    best = exact.round().clamp(problem.low, problem.high)
    wanted = problem.value(v, index)
    least = torch.full_like(wanted, torch.inf)
    rows, levels = torch.arange(len(v), device=v.device), best.clone()
    for _ in range(PASSES):
        f, slope = problem.image_gradient(levels, index[rows])
        missing = wanted[rows] - f
        nearer = missing.abs() < least[rows]
        best[rows[nearer]] = levels[nearer]
        least[rows[nearer]] = missing.abs()[nearer]
        far = least[rows] >= CLOSE * wanted[rows].abs()
        if not far.any():
            break
        rows, levels, slope, missing = rows[far], levels[far], slope[far], missing[far]
        other = _other_neighbour(problem, exact[rows], levels)
        price, gain = _price(exact[rows], levels, other, slope, missing)
        order = price.argsort(1)
        ordered = gain.gather(1, order).clamp_min(0)
        flip = (ordered.cumsum(1) - ordered / 2 < missing.abs()[:, None]) & (ordered > 0)
        chosen = torch.zeros_like(flip).scatter(1, order, flip).view_as(levels)
        levels = torch.where(chosen, other, levels)
    stubborn = (least >= CLOSE * wanted.abs()).nonzero()[:, 0]
    at_once = max(1, MOST_NUMBERS // (TRIALS * exact[0].numel()))
    for start in range(0, len(stubborn), at_once):
        some = stubborn[start : start + at_once]
        best[some] = _by_trial(problem, exact[some], best[some], wanted[some], index[some])
    pixels = (best - problem.low).clamp(0, 255)
    return pixels.permute(0, 2, 3, 1).to("cpu", torch.uint8).numpy()


def _other_neighbour(problem: Problem, exact: Tensor, levels: Tensor) -> Tensor:
    """The level on the other side of each exact value; the level itself where there is none."""
    other = levels + torch.sign(exact - levels)
    other = torch.where((other - exact).abs() < 1, other, levels)
    return other.clamp(problem.low, problem.high)


def _price(
    exact: Tensor, levels: Tensor, other: Tensor, slope: Tensor, missing: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, pixels) squared error that a flip adds over the response it gives back; that response."""
    gain = (slope * (other - levels)).flatten(1) * missing.sign()[:, None]
    cost = 1 - 2 * (exact - levels).abs().flatten(1)
    return torch.where(gain > 0, cost / gain.clamp_min(1e-30), torch.inf), gain


def _by_trial(
    problem: Problem, exact: Tensor, levels: Tensor, wanted: Tensor, index: Tensor
) -> Tensor:
    """Images (B, C, h, w) whose gradient misleads: keep the flips that help when tried.

    Where the response bends within one grey level, the gradient promises what no flip gives. Here
    every flip is tried alone, and the best are kept together if they help together.
    """
    useless = torch.zeros_like(exact, dtype=torch.bool).flatten(1)
    rows = torch.arange(len(exact), device=exact.device)
    for _ in range(ROUNDS):
        f, slope = problem.image_gradient(levels[rows], index[rows])
        missing = wanted[rows] - f
        far = missing.abs() >= CLOSE * wanted[rows].abs()
        if not far.any():
            break
        rows, f, slope, missing = rows[far], f[far], slope[far], missing[far]
        here, who = levels[rows], index[rows]
        other = _other_neighbour(problem, exact[rows], here)
        price, _ = _price(exact[rows], here, other, slope, missing)
        pixels = price.masked_fill(useless[rows], torch.inf).argsort(1)[:, :TRIALS]
        count = pixels.shape[1]
        each = torch.eye(count, dtype=torch.bool, device=here.device).expand(len(rows), -1, -1)
        tried = _flipped(here, other, pixels, each).flatten(0, 1)
        values = problem.image_value(tried, who.repeat_interleave(count)).view(-1, count)
        helps = (values - f[:, None]) * missing.sign()[:, None]
        useless[rows] = useless[rows].scatter(1, pixels, helps <= 0)
        helps, order = helps.sort(1, descending=True)
        pixels = pixels.gather(1, order)
        enough = (helps.cumsum(1) - helps / 2 < missing.abs()[:, None]) & (helps > 0)
        levels[rows] = _most_that_help(
            problem, here, other, pixels, enough.sum(1), wanted[rows], f, who
        )
    return levels


def _most_that_help(
    problem: Problem,
    levels: Tensor,
    other: Tensor,
    pixels: Tensor,
    count: Tensor,
    wanted: Tensor,
    now: Tensor,
    index: Tensor,
) -> Tensor:
    """Images (B, C, h, w) with the first `count` (B,) of their `pixels` (B, K) flipped.

    Where these together do not bring the response nearer to `wanted` (B,) than it is `now` (B,),
    half as many, and so on.
    """
    levels = levels.clone()
    place = torch.arange(pixels.shape[1], device=levels.device)
    rows = (count > 0).nonzero()[:, 0]
    while len(rows):
        chosen = (place < count[rows, None])[:, None]
        trial = _flipped(levels[rows], other[rows], pixels[rows], chosen)[:, 0]
        reached = problem.image_value(trial, index[rows])
        better = (wanted[rows] - reached).abs() < (wanted - now)[rows].abs()
        levels[rows[better]] = trial[better]
        rows = rows[~better]
        count = count // 2
        rows = rows[count[rows] > 0]
    return levels


def _flipped(levels: Tensor, other: Tensor, pixels: Tensor, chosen: Tensor) -> Tensor:
    """(B, T, C, h, w): images (B, C, h, w) with some of their pixels at the other level.

    Args:
        pixels: (B, K) places in the flattened image.
        chosen: (B, T, K) which of these are flipped in each trial.
    """
    flat = levels.flatten(1)
    change = (other.flatten(1) - flat).gather(1, pixels)
    tried = flat[:, None].repeat(1, chosen.shape[1], 1)
    tried.scatter_add_(2, pixels[:, None].expand_as(chosen), chosen * change[:, None])
    return tried.unflatten(2, levels.shape[1:])

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


def eight_bit(problem: Problem, v: Tensor, index: Tensor) -> NDArray[np.uint8]:
    """Unit vectors (B, D) -> 8-bit images (B, h, w, C) with nearly the same responses.

    Plain rounding adds noise of a third of a grey level, which a unit selective for fine detail
    sees. So a few pixels are rounded to their other neighbour: those nearest to the middle between
    two levels for the response they give back, until the response is that of the unrounded image.
    Every pixel stays within one level of its exact value.
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
        other = _other_neighbour(problem, exact, levels)
        price, gain = _price(exact, levels, other, slope, missing)
        order = price.argsort(1)
        ordered = gain.gather(1, order).clamp_min(0)
        flip = (ordered.cumsum(1) - ordered / 2 < missing.abs()[:, None]) & (ordered > 0)
        chosen = torch.zeros_like(flip).scatter(1, order, flip).view_as(levels)
        levels = torch.where(chosen, other, levels)
    for k in (least >= CLOSE * wanted.abs()).nonzero()[:, 0].tolist():
        best[k] = _by_trial(problem, exact[k : k + 1], best[k : k + 1], wanted[k], index[k])
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
    problem: Problem, exact: Tensor, levels: Tensor, wanted: Tensor, unit: Tensor
) -> Tensor:
    """One image (1, C, h, w) whose gradient misleads: keep the flips that help when tried.

    Where the response bends within one grey level, the gradient promises what no flip gives. Here
    every flip is tried alone, and the best are kept together if they help together.
    """
    useless = torch.zeros(levels.numel(), dtype=torch.bool, device=levels.device)
    for _ in range(ROUNDS):
        f, slope = problem.image_gradient(levels, unit[None])
        missing = wanted - f
        if missing.abs() < CLOSE * wanted.abs():
            break
        other = _other_neighbour(problem, exact, levels)
        price, _ = _price(exact, levels, other, slope, missing)
        pixels = price[0].masked_fill(useless, torch.inf).argsort()[:TRIALS]
        tried = levels.flatten(1).repeat(len(pixels), 1)
        tried[torch.arange(len(pixels)), pixels] = other.flatten()[pixels]
        values = problem.image_value(tried.view(-1, *levels.shape[1:]), unit.expand(len(pixels)))
        helps = (values - f) * missing.sign()
        useless[pixels[helps <= 0]] = True
        order = helps.argsort(descending=True)
        order = order[helps[order] > 0]
        enough = helps[order].cumsum(0) - helps[order] / 2 < missing.abs()
        count = int(enough.sum())
        while count:
            trial = levels.flatten(1).clone()
            trial[0, pixels[order[:count]]] = other.flatten()[pixels[order[:count]]]
            trial = trial.view_as(levels)
            if (wanted - problem.image_value(trial, unit[None])).abs() < missing.abs():
                levels = trial
                break
            count //= 2
    return levels[0]

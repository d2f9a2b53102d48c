"""Batches: the units that one search takes on together, sized to device and memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from invis.models.devices import pick_device
from invis.search.engine import RESTARTS

# On a CPU the time of a unit is the same from 8 units on, and a lost worker loses less.
MOST_ON_CPU, MOST_ELSEWHERE = 16, 128
# Vectors and images that a search holds for each restart and for each image of the set, at most.
HELD_PER_RESTART, HELD_PER_IMAGE = 12, 14
SHARE_OF_MEMORY = 0.5
# Workers are idle in the last round: each gets several batches, unless those are too small to pay.
ROUNDS, LEAST = 4, 8


@dataclass(frozen=True)
class Place:
    """Where batches are searched.

    Attributes:
        device: `cpu`, `cuda:0`...
        memory: bytes that are free there.
        workers: how many such places there are.
    """

    device: str
    memory: int
    workers: int = 1


def here(device: str | None = None, workers: int = 1) -> Place:
    """This machine, its memory shared by the workers of a device."""
    import psutil  # type: ignore[import-untyped]

    place = pick_device(device)
    if place.type == "cuda":
        sharing = math.ceil(workers / max(1, torch.cuda.device_count()))
        return Place(str(place), int(torch.cuda.mem_get_info(place)[0]) // sharing, workers)
    return Place(str(place), int(psutil.virtual_memory().available) // workers, workers)


def smallest(places: Collection[Place]) -> Place:
    """What all of several workers have."""
    least = min(places, key=lambda one: one.memory)
    return replace(least, workers=len(places))


def unit_bytes(image_shape: Sequence[int], images: int) -> int:
    """Bytes that one unit of a batch takes at most, for patches (C, h, w) and sets of `images`."""
    number = math.prod(image_shape)
    return 4 * number * (HELD_PER_RESTART * RESTARTS + HELD_PER_IMAGE * images)


def batch_size(image_shape: Sequence[int], images: int, place: Place, units: int) -> int:
    """Units a batch: as many as pay on the device, fit its memory and keep all workers busy."""
    pays = MOST_ON_CPU if torch.device(place.device).type == "cpu" else MOST_ELSEWHERE
    fits = int(SHARE_OF_MEMORY * place.memory) // unit_bytes(image_shape, images)
    shared = units
    if place.workers > 1:
        shared = max(units // (ROUNDS * place.workers), min(LEAST, -(-units // place.workers)))
    return max(1, min(pays, fits, shared))


def split(channels: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Every channel in exactly one run of at most `size`; the runs differ by one at most."""
    count = math.ceil(len(channels) / size)
    edges = [len(channels) * k // count for k in range(count + 1)] if count else []
    return [tuple(channels[a:b]) for a, b in pairwise(edges)]

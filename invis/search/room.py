"""The memory that searches and morphs take, estimated before any of it is taken."""

from __future__ import annotations

import math

from invis.models.memory import check_memory
from invis.models.unit import Units
from invis.search.settings import Settings

# Numbers of four bytes that are held at once: for each image its coefficients, gradient, moments,
# pixels and what autograd keeps of them; for each pair its difference's square and weights.
AN_IMAGE, A_PAIR = 12, 4


def check_room(units: Units, settings: Settings, sets: int = 1, free: int | None = None) -> None:
    """Raise InvisError where a search would take more memory than its device has free.

    Args:
        units: what is searched at once.
        settings: of the search.
        sets: how many of each unit are held, one for each floor of a profile.
        free: bytes that its device has; asked of it where left out.
    """
    images, size = settings.images, math.prod(units.image_shape)
    needed = 4 * len(units) * images * (AN_IMAGE * size * sets + A_PAIR * images)
    several = f" at {sets} floors" if sets > 1 else ""
    check_memory(
        needed,
        f"images {images} of {len(units)} units{several} need",
        f"ask for fewer images{' or floors' if several else ''}, or fewer units at once",
        units.device,
        free,
    )


def check_frames(units: Units, nodes: int, frames: int) -> None:
    """Raise InvisError where the nodes of a morph would take more memory than its device has."""
    needed = 4 * AN_IMAGE * math.prod(units.image_shape) * nodes
    check_memory(needed, f"frames {frames} need", "ask for fewer", units.device)

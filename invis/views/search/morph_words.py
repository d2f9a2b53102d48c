"""What a morph shows, in words."""

from __future__ import annotations

from xarray import Dataset

from invis.search.morph_result import ROUNDING
from invis.views.base import words


def title(found: Dataset) -> str:
    """Whose morph, and between which images."""
    return f"{words.title(found)}: from {ends(found)}"


def ends(found: Dataset) -> str:
    """The two images by their numbers beneath the pictures of a set, which count from 1."""
    first, second = found.attrs["first"] + 1, found.attrs["second"] + 1
    if is_loop(found):
        return f"image {first} through {len(found.attrs['order']) - 1} images and back"
    return f"image {first} to image {second}"


def is_loop(found: Dataset) -> bool:
    """Whether the morph ends where it began."""
    return bool(found.attrs["first"] == found.attrs["second"])


def lowest(found: Dataset) -> float:
    """The lowest fraction on the whole path: of the 8-bit frames, and of what lies between them."""
    return float(min(found.attrs["fraction_min"], found.attrs["path_fraction_min"]))


def is_straight(found: Dataset) -> bool:
    """Whether the straight line stays in the set too."""
    floor = min(float(found.attrs["alpha"]), *found["fraction"].values[[0, -1]].tolist())
    return float(found.attrs["straight_fraction_min"]) >= floor - ROUNDING


def verdict(found: Dataset) -> str:
    """One sentence: what the path keeps, and what the straight line keeps."""
    kept = found.attrs
    straight = words.percent(kept["straight_fraction_min"])
    if not kept["connected"]:
        return (
            f"Not connected at {words.percent(kept['alpha'])}: the best path that was found falls "
            f"to {words.percent(lowest(found))} of the reference, the straight line to {straight}."
        )
    if is_straight(found):
        return (
            f"The straight line stays in the set (lowest {straight} of the reference): there is "
            "nothing to go around, as in a linear unit."
        )
    longer = kept["length"] / (kept["straight_length"] or 1.0)
    through = [] if is_loop(found) else kept["through"]
    by = ""
    if through:
        names = [
            "the reference" if k == len(kept["islands"]) else f"image {k + 1}" for k in through
        ]
        by = f", found by way of {' and '.join(names)}"
    return (
        f"The morph keeps {words.percent(lowest(found), 1)} of the reference or more, while the "
        f"straight line falls to {straight}. It is {longer:.2f} times as long{by}."
    )


def islands(found: Dataset) -> str:
    """How many parts the set falls into, as far as walks could tell; empty where it is one."""
    parts = len(set(found.attrs["islands"]))
    if parts < 2:
        return ""
    return (
        f"Walks that keep {words.percent(found.attrs['alpha'])} did not reach all images of this "
        f"set: as far as they can tell, it falls into {parts} islands."
    )

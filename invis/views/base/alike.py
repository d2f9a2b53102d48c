"""Which results answer the same question, so that their measures may be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xarray import Dataset

from invis.views.base import words


def _contrast(ds: Dataset) -> Any:
    """The contrast asked for; outside pixels its usual value goes by the size of the field."""
    sides = (ds.sizes["row"], ds.sizes["column"])
    return ds.attrs.get("contrast"), None if words.metric_name(ds.attrs) == "pixels" else sides


# What must be equal, with the words for it.
QUESTION: dict[str, Callable[[Dataset], Any]] = {
    "metric": lambda ds: words.metric_name(ds.attrs),
    "activation floor": lambda ds: ds.attrs.get("alpha"),
    "number of images": lambda ds: ds.attrs.get("images"),
    "objective": lambda ds: ds.attrs.get("objective", "set"),
    "what differs": lambda ds: words.differ_in(ds.attrs),
}


def differing(results: Sequence[Dataset]) -> list[str]:
    """In what the questions of results differ."""
    found = [name for name, key in QUESTION.items() if len({str(key(ds)) for ds in results}) > 1]
    contrasts = {_contrast(ds) for ds in results}
    # Fields of several sizes have a contrast each, which is no other question.
    if "metric" not in found and len(contrasts) > len({sides for _, sides in contrasts}):
        found.append("contrast")
    return found


def doubt(results: Sequence[Dataset]) -> str:
    """A sentence where results must not be compared; empty where they may be."""
    found = differing(results)
    if not found:
        return ""
    told = " and ".join(found)
    if "metric" in found:
        names = dict.fromkeys(words.metric_name(ds.attrs) for ds in results)
        told = told.replace("metric", f"metric ({', '.join(names)})", 1)
    return (
        f"These results differ in {told}: "
        "their indices answer different questions and must not be compared."
    )

"""The matrix again for several numbers of anchors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import xarray
from xarray import Dataset

from invis.errors import InvisError
from invis.progress import Step, within
from invis.stitching.data import Data
from invis.stitching.latents import Latents
from invis.stitching.matrix import StitchSettings, stitch_steps


def anchor_sweep_steps(
    data: Data,
    latents: Latents,
    counts: Sequence[int] = (8, 16, 32, 64, 128),
    settings: StitchSettings | None = None,
    device: str | None = None,
) -> Iterator[Step[Dataset]]:
    """Stitch with each number of anchors; the first task alone.

    What is finished has the variables `score` and `index` (anchors, technique, seed,
    encoder, decoder).

    Raises:
        InvisError: no counts, or one that is not possible.
    """
    if not counts:
        raise InvisError("counts is empty; give at least one number of anchors.")
    asked = settings or StitchSettings()
    parts = []
    for i, count in enumerate(counts):
        one = replace(asked, anchors=count, tasks=asked.tasks[:1])
        steps = stitch_steps(data, latents, one, device)
        (ds,) = yield from within(steps, i / len(counts), (i + 1) / len(counts))
        parts.append(ds[["score", "index"]].assign_coords(anchors=count))
    whole = xarray.concat(parts, "anchors", combine_attrs="override")
    whole.attrs.pop("anchors", None)
    yield Step(1.0, f"{len(counts)} numbers of anchors", [whole])

"""An atlas as a folder of pages, pictures and tables that opens without Python."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.offline import get_plotlyjs
from xarray import Dataset

from invis.atlas import Atlas, AtlasLayer
from invis.atlas.annotate import NOTES, PROFILE, first_note
from invis.errors import InvisError
from invis.files.atomic import write_whole
from invis.progress import Counted
from invis.views.atlas import layer_table
from invis.views.atlas.page import PLOTLY, LayerLine, UnitLine, index_html, layer_html
from invis.views.base.images import enlarged, grey_of, is_smooth, stretch_factor, stretched
from invis.views.search.gallery import gallery_html

TABLE = "units.csv"
PARQUET = "units.parquet"
# Screen pixels that pages give a strip of images in height, about.
STRIP = 44


def site_steps(atlas: Atlas, folder: Path) -> Iterator[Counted]:
    """Write the pages of an atlas; yields how many of how many units are done.

    `folder/index.html` is the first page, `layers/` has a page a layer, `units/` a page and a PNG a
    unit, and `units.csv` holds all measures.

    Raises:
        InvisError: for an atlas without finished units, or a damaged unit.
        OSError: where a file cannot be written.
    """
    layers = sorted((layer for layer in atlas.layers() if layer.done()), key=layer_table.order)
    if not layers:
        raise InvisError(f"store {atlas.url!r} has no finished unit yet: run `invis sweep` first")
    for name in ("layers", "units"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    count = Counted(sum(len(layer.done()) for layer in layers))
    names = layer_table.groups(layers)
    lines = []
    for layer in layers:
        units: list[UnitLine] = []
        for unit in _unit_steps(layer, folder):
            units.append(unit)
            count.done += 1
            yield count
        page = f"layers/{file_name(layer.path)}.html"
        line = LayerLine(
            layer.model, layer.layer, names[layer.path], layer.channels, units, page
        )  # fmt: skip
        write_whole(folder / page, layer_html(line, "../index.html"))
        lines.append(line)
    downloads = write_tables(atlas, folder)
    write_whole(folder / PLOTLY, get_plotlyjs())
    write_whole(folder / "index.html", index_html(lines, downloads))


def write_tables(atlas: Atlas, folder: Path) -> list[str]:
    """The table of all measures as CSV, and as Parquet where pyarrow is installed; their names."""
    table = atlas.table(notes=[*NOTES, PROFILE])
    table.to_csv(folder / TABLE, index=False)
    try:
        table.to_parquet(folder / PARQUET, index=False)
    except ImportError:
        return [TABLE]
    return [TABLE, PARQUET]


def file_name(path: str) -> str:
    """A path in the store as a name that files and links bear."""
    return re.sub(r"[^\w.-]+", "-", path)


def strip(pixels: NDArray[np.uint8], grey: NDArray[np.float64], factor: int) -> Image.Image:
    """A reference and its set side by side: pixels (images, row, column, colour).

    Drawn at least twice as large as pages show it, for sharp screens.
    """
    smooth = is_smooth(pixels.shape[1], STRIP)
    scale = max(1, round(2 * STRIP / pixels.shape[1]))
    shown = np.stack([enlarged(one, scale, smooth) for one in stretched(pixels, grey, factor)])
    count, height, width, colours = shown.shape
    gap = max(1, width // 14)
    sheet = np.zeros((height, count * width + count * gap, 4), dtype=np.uint8)
    for k, image in enumerate(shown):
        # The reference stands apart by a second gap.
        left = k * (width + gap) + (gap if k else 0)
        sheet[:, left : left + width, :3] = image if colours == 3 else image.repeat(3, axis=-1)
        sheet[:, left : left + width, 3] = 255
    return Image.fromarray(sheet)


def _unit_steps(layer: AtlasLayer, folder: Path) -> Iterator[UnitLine]:
    name = file_name(layer.path)
    channels = sorted(layer.done())
    sets = {channel: layer.read(channel) for channel in channels}
    factor = stretch_factor(list(sets.values()))
    for channel, ds in sets.items():
        own = f"units/{name}-{channel}"
        write_whole(folder / f"{own}.html", gallery_html([ds]))
        pixels = np.concatenate([ds["reference_image"].values[None], ds["images"].values])
        strip(pixels, grey_of(ds), factor).save(folder / f"{own}.png", optimize=True)
        yield unit_line(ds, channel, first_note(layer, channel), own)


def unit_line(ds: Dataset, channel: int, note: dict[str, Any] | None, own: str) -> UnitLine:
    """What the page of a layer tells of a unit whose files begin with `own`."""
    index, spread = (float(ds.attrs.get(key, math.nan)) for key in ("index", "spread"))
    return UnitLine(
        address=str(ds.attrs["address"]),
        channel=channel,
        index=index if math.isfinite(index) else None,
        spread=spread if math.isfinite(spread) else None,
        dead=bool(ds.attrs.get("dead")),
        told=str((note or {}).get("sentence", "")),
        strip=f"{own}.png",
        href=f"{own}.html",
    )

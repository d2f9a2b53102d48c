"""What commands print: JSON that holds only JSON, and tables that are pleasant to read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from invis.search.settings import SETTINGS

if TYPE_CHECKING:
    from xarray import Dataset

SEARCH_KEYS = (
    "address", "images", "alpha", "metric", "contrast", "pixel_contrast", "reference",
    "free_reference", "grey_response", "fraction_min", "fraction_mean", "beta", "distance",
    "rms_distance", "null_distance", "index", "spread", "saturated", "converged", "dead",
    "full_model_error", "steps", "seconds", "device",
)  # fmt: skip
BOOLEANS = {"converged", "dead"}
INTEGERS = {"images", "steps"}


def plain(key: str, value: Any) -> Any:
    """An attribute as JSON has it: NaN and "" become null, numpy scalars become Python's."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if key in BOOLEANS:
        return bool(value)
    if key in INTEGERS:
        return int(value)
    return value


def search_record(ds: Dataset, out: str) -> dict[str, Any]:
    """The JSON object of one result; keys beyond the fixed ones only where the result has them."""
    keys = list(SEARCH_KEYS)
    keys += [key for key in ds.attrs if key.startswith("feature_")]
    keys += [key for key in ("index_reason",) if ds.attrs.get(key)]
    told = {"metric": SETTINGS["metric"].before, **ds.attrs}
    return {key: plain(key, told.get(key)) for key in keys} | {"out": out}


def echo_json(rows: Sequence[Mapping[str, Any]]) -> None:
    """The list and nothing else on stdout."""
    click.echo(json.dumps([dict(row) for row in rows], indent=2, allow_nan=False))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns two spaces apart under a bold header; `right` names the columns of numbers."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([click.style(line(header), bold=True), *map(line, rows)])


def number(value: Any, digits: int = 2) -> str:
    """A number of a table; a dash for null."""
    return "-" if value is None else f"{value:.{digits}f}"

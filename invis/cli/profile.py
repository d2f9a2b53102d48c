"""`invis profile`: the sets of units at several floors, tolerance or invariance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.cli.places import prepared
from invis.cli.saving import default_out, slug, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole
from invis.search.settings import Settings

if TYPE_CHECKING:
    from xarray import Dataset

PAGE, DATA = "profile.html", "profile.nc"
SETTINGS = ("images", "contrast", "band", "seed", "metric")
KEYS = (
    "kappa", "kappa_low", "kappa_high", "kappa_spread", "kappa_spread_low", "kappa_spread_high",
    "packing", "packing_null", "packing_distance", "packing_alpha", "dead", "seconds",
)  # fmt: skip


@click.command(short_help="Tell tolerance from invariance: sets at several floors.")
@click.argument("address")
@click.option("--alpha", default="0.8,0.9,0.95,0.98", show_default=True, help="The floors.")
@click.option(
    "--apart", type=float, default=1.0, show_default=True,
    help="The distance that images of a packing keep, in units of the norm R.",
)  # fmt: skip
@options.search_options(*SETTINGS)
@options.weights
@options.device
@options.out
@options.as_json
def profile(
    address: str,
    alpha: str,
    apart: float,
    weights: str | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Search the units at ADDRESS at several floors and tell what stays when the floor rises.

    kappa is 0 for a linear unit and for every smooth maximum, however broad, and goes towards 1 for
    an invariance. Also: how many heaps the images form, and how many images fit that keep a
    distance. Writes profile.nc and profile.html.
    """
    from invis.files.saved import save
    from invis.models.unit import units_at
    from invis.progress import until_done
    from invis.search.profile import profile_steps

    floors, settings = parse_floors(alpha), Settings.of(**asked)
    folder = out if out is not None else profile_out(address, weights)
    with prepared([folder], (PAGE,)):
        units = units_at(address, weights, device)
        steps = profile_steps(units, floors, settings, apart=apart)
        done = until_done(watched(steps, address))
        found = {str(ds.attrs["address"]): ds for ds in done}
        ordered = [found[one] for one in units.addresses]
        for ds in ordered:
            where = folder / slug(str(ds.attrs["address"])) if len(ordered) > 1 else folder
            with writing(where):
                where.mkdir(exist_ok=True)
            save(ds, where / DATA)
        write(folder, ordered)
    if as_json:
        output.echo_json([record(ds) for ds in ordered])
    else:
        report(ordered)
        click.echo(f"\nPage: {folder / PAGE}")


def parse_floors(text: str) -> list[float]:
    """`0.8,0.9` -> its numbers.

    Raises:
        InvisError: if one is none.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvisError(
            f"--alpha {text!r} is no list of floors: use fractions such as 0.8,0.9,0.95,0.98"
        ) from None


def profile_out(address: str, weights: str | None) -> Path:
    """out/ADDRESS-profile."""
    base = default_out(address, weights)
    return base.with_name(f"{base.name}-profile")


def write(folder: Path, found: list[Dataset]) -> None:
    """The page."""
    from invis.views.search.profile_figure import profile_html

    with writing(folder / PAGE):
        write_whole(folder / PAGE, profile_html(found))


def record(ds: Dataset) -> dict[str, Any]:
    """The JSON object of one profile."""
    floors = [
        {
            "alpha": float(one["alpha"]),
            **{key: output.plain(key, one[key].values) for key in ("index", "spread")},
            **{key: int(one[key]) for key in ("heaps", "islands")},
            "converged": bool(one["converged"]),
        }
        for one in (ds.isel(floor=k) for k in range(ds.sizes["floor"]))
    ]
    told = {key: output.plain(key, ds.attrs.get(key)) for key in KEYS}
    whole = {key: int(told[key]) for key in ("packing", "packing_null") if told[key] is not None}
    return {
        "address": ds.attrs["address"],
        "metric": ds.attrs["metric"],
        "floors": floors,
        **told,
        **whole,
    }


def report(found: list[Dataset]) -> None:
    """A line a unit, with the linear unit's values in the header."""
    floors = [f"{alpha:g}" for alpha in found[0]["alpha"].values]
    rows = []
    for ds in found:
        told = record(ds)
        number = output.number
        islands = "/".join(str(one["islands"]) for one in told["floors"])
        low, high = number(told["kappa_low"]), number(told["kappa_high"])
        most = int(ds.attrs["packing_most"])
        fit = f"{told['packing']}{'+' if told['packing'] == most else ''}"
        null = "any" if math.isinf(ds.attrs["packing_null"]) else str(told["packing_null"] or "-")
        rows.append(
            [
                str(told["address"]),
                *(number(one["index"]) for one in told["floors"]),
                number(told["kappa"]),
                "-" if low == "-" else f"{low} to {high}",
                number(told["kappa_spread"]),
                islands,
                fit,
                null,
                number(told["seconds"], 1),
            ]
        )
    header = [
        "unit", *(f"index at {floor}" for floor in floors), "kappa (linear: 0)", "interval",
        "of the spread", "islands", "fit", "linear", "s",
    ]  # fmt: skip
    click.echo(output.table(header, rows, right=range(1, len(header))))

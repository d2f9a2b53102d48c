"""`invis exemplars`: the strongest crops of a folder of pictures, beside the unit's set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import progress
from invis.cli.morph import searched, set_of
from invis.cli.places import prepared
from invis.cli.saving import default_out, slug, writing
from invis.cli.search import Interrupt
from invis.errors import InvisError
from invis.files.atomic import write_whole

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.models.unit import Units

PAGE, DATA = "exemplars.html", "exemplars.nc"


@click.command(short_help="Find the crops of your pictures that excite a unit most.")
@click.argument("address")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="A folder of pictures."
)
@click.option("--count", default=8, show_default=True, help="Crops kept for each unit.")
@click.option("--set", "result", help="The unit's saved result.nc; searched when left out.")
@options.weights
@options.device
@options.out
@options.as_json
def exemplars(
    address: str,
    data: Path,
    count: int,
    result: str | None,
    weights: str | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Look at every crop of the pictures in --data and keep those that excite the unit most.

    Crops are as large as the unit's field. Writes exemplars.html, where they lie beneath the
    unit's set and random crops beside both, and exemplars.nc. Many units of a layer go in one
    reading: minivgg/conv2_2/0-7. Ctrl-C keeps what was found so far.
    """
    from invis.models.unit import units_at
    from invis.probe.pictures import list_pictures

    # What needs no model is checked first.
    list_pictures(data)
    units = units_at(address, weights, device)
    if result is not None and len(units) != 1:
        raise InvisError(f"--set {result!r} is of one unit, but ADDRESS names {len(units)}.")
    base = default_out(address, weights)
    folder = out if out is not None else base.with_name(f"{base.name}-exemplars")
    several = len(units) > 1
    folders = [folder / slug(one) if several else folder for one in units.addresses]
    with prepared([folder, *folders], (PAGE, DATA)):
        sets = [set_of(result, weights, device)] if result is not None else searched(units, address)
        found, interrupted = follow(units, sets, data, count, address)
        save(found, folders)
        write_page(folder, found, sets)
    if as_json:
        output.echo_json([record(one, where) for one, where in zip(found, folders, strict=True)])
    else:
        report(found, folder)
    if interrupted:
        click.echo(f"invis: interrupted; what was found is kept in {folder}", err=True)
        sys.exit(130)


def follow(
    units: Units, sets: list[Dataset], data: Path, count: int, address: str
) -> tuple[list[Dataset], bool]:
    """Read the folder; whether Ctrl-C ended it early, which keeps what was found."""
    from invis.probe.exemplars import exemplars_steps

    with Interrupt() as interrupt, progress(address) as tell:
        for snapshot in exemplars_steps(units, data, count, results=sets):
            tell(snapshot)
            if snapshot.step and not snapshot.finished:
                if interrupt.asked:
                    return snapshot.current(), True
                interrupt.armed = True
    return snapshot.finished, False


def save(found: list[Dataset], folders: list[Path]) -> None:
    """A file for each unit."""
    from invis.files import saved

    for one, where in zip(found, folders, strict=True):
        saved.save(one, where / DATA)


def write_page(folder: Path, found: list[Dataset], sets: list[Dataset]) -> None:
    """One page for all units."""
    from invis.views.probe.exemplars_figure import exemplars_html

    with writing(folder / PAGE):
        write_whole(folder / PAGE, exemplars_html(found, sets))


def record(found: Dataset, where: Path) -> dict[str, Any]:
    """The JSON object of one unit."""
    import numpy as np

    kept = {
        key: output.plain(key, found.attrs[key])
        for key in ("address", "reference", "grey_response", "folder", "pictures", "left_out",
                    "seen", "seconds", "device")
    }  # fmt: skip
    random = found["random_fraction"].values.astype(float)
    crops = [
        {
            "path": str(found["path"].values[k]),
            "top": int(found["top"].values[k]),
            "left": int(found["left"].values[k]),
            **{
                key: output.plain(key, float(found[key].values[k]))
                for key in ("scale", "response", "fraction", "equal_fraction", "contrast")
            },
        }
        for k in range(found.sizes["exemplar"])
    ]
    usual = output.plain("", float(np.median(random))) if len(random) else None
    skipped = str(found.attrs["skipped"])
    return kept | {
        "random_fraction_median": usual,
        "exemplars": crops,
        "skipped": skipped.split("\n") if skipped else [],
        "out": str(where),
    }


def report(found: list[Dataset], folder: Path) -> None:
    """A table of each unit, what was left out, and where the page is."""
    from invis.views.probe import exemplars_shares

    for one in found:
        click.echo(f"{one.attrs['address']}\n")
        rows = [
            [
                chr(ord("A") + k) if k < 26 else str(k + 1),
                output.number(float(one["fraction"].values[k])),
                output.number(float(one["equal_fraction"].values[k])),
                output.number(float(one["contrast"].values[k]), 1),
                str(int(one["top"].values[k])),
                str(int(one["left"].values[k])),
                str(one["path"].values[k]),
            ]
            for k in range(one.sizes["exemplar"])
        ]
        header = ["", "share of a*", "at the set's contrast", "contrast", "row", "column", "file"]
        click.echo(output.table(header, rows, right=(1, 2, 3, 4, 5)))
        click.echo(f"\n{exemplars_shares.verdict(one)}\n")
    if found[0].attrs["left_out"]:
        click.echo(f"{found[0].attrs['left_out']} files were left out:")
        click.echo(str(found[0].attrs["skipped"]) + "\n")
    click.echo(f"Page: {folder / PAGE}")

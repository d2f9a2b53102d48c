"""`invis morph`: a path between two images of a set that stays in the set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.cli.places import prepared
from invis.cli.saving import RESULT, default_out, slug, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole
from invis.progress import until_done

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.models.unit import Units

PAGE, PICTURE, DATA = "morph.html", "morph.gif", "morph.nc"
KEYS = (
    "address", "connected", "alpha", "fraction_min", "path_fraction_min",
    "straight_fraction_min", "fade_fraction_min", "length", "straight_length", "chord", "steps",
    "seconds", "device",
)  # fmt: skip


@click.command(short_help="Change one image of a set into another without leaving it.")
@click.argument("result")
@click.option("--from", "first", type=int, help="An image, by its number in the gallery.")
@click.option("--to", "second", type=int, help="Another one.")
@click.option("--frames", type=int, help="Frames, both ends among them: 33, or 65 of a --loop.")
@click.option("--loop", is_flag=True, help="Through all images that can be reached, and back.")
@options.weights
@options.device
@options.out
@options.as_json
def morph(
    result: str,
    first: int | None,
    second: int | None,
    frames: int | None,
    loop: bool,
    weights: str | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find a path between two images of a set along which the unit keeps responding.

    RESULT is a result.nc, a folder that holds one, or a unit's address, whose set is searched
    first. Writes morph.gif, morph.html with a slider, and morph.nc, with the straight line beside
    the path. Without --from and --to, the two images whose straight line leaves the set most.
    """
    from invis.files.saved import save
    from invis.search.morph import morph_steps
    from invis.search.morph_loop import loop_steps

    ds = set_of(result, weights, device)
    folder = out if out is not None else morph_out(result, str(ds.attrs["address"]), weights)
    a, b = (place_of(ds, name, one) for name, one in (("--from", first), ("--to", second)))
    if first is not None and first == second:
        raise InvisError(f"--from and --to are both {first}: give two different images.")
    if loop and (first, second) != (None, None):
        raise InvisError("--loop goes through all images: leave out --from and --to.")
    count: dict[str, Any] = {} if frames is None else {"frames": frames}
    steps = (
        loop_steps(ds, **count, weights=weights, device=device)
        if loop
        else morph_steps(ds, a, b, **count, weights=weights, device=device)
    )
    with prepared([folder], (PAGE, PICTURE, DATA)):
        (found,) = until_done(watched(steps, str(ds.attrs["address"])))
        save(found, folder / DATA)
        write(folder, found)
    if as_json:
        output.echo_json([record(found, folder)])
    else:
        report(found, folder)


def set_of(result: str, weights: str | None, device: str | None) -> Dataset:
    """The saved set that RESULT names, or the set of the unit at that address.

    Raises:
        InvisError: if it is neither, or names more than one.
    """
    from invis.search import load

    path = Path(result)
    if path.is_dir():
        file = path / RESULT
        if not file.is_file():
            raise InvisError(f"RESULT {result!r} is a folder without a {RESULT}: name the file.")
        return load(file)
    if path.is_file() or path.suffix == ".nc":
        return load(path)
    from invis.models.address import parse_address

    if len(parse_address(result).channels) != 1:
        raise InvisError(f"RESULT {result!r} names several units: a morph is of one.")
    from invis.models.unit import units_at

    return searched(units_at(result, weights, device), result)[0]


def searched(units: Units, address: str) -> list[Dataset]:
    """The sets of units, in their order, with a bar on a terminal."""
    from invis.search import search_steps

    results = until_done(watched(search_steps(units), address))
    found = {str(ds.attrs["address"]): ds for ds in results}
    return [found[one] for one in units.addresses]


def place_of(ds: Dataset, option: str, number: int | None) -> int | None:
    """The place of an image in the set from its number in the gallery, which counts from 1."""
    count = ds.sizes["image"]
    if number is not None and not 1 <= number <= count:
        raise InvisError(f"{option} {number} is no image of this set: use 1 to {count}.")
    return None if number is None else number - 1


def morph_out(result: str, address: str, weights: str | None) -> Path:
    """Beside a saved result's name: out/ADDRESS-morph."""
    base = Path("out") / slug(address) if Path(result).exists() else default_out(address, weights)
    return base.with_name(f"{base.name}-morph")


def write(folder: Path, found: Dataset) -> None:
    """The animation and the page."""
    from invis.views.search.morph_figure import morph_html
    from invis.views.search.morph_gif import morph_gif

    with writing(folder / PICTURE):
        write_whole(folder / PICTURE, morph_gif(found))
    with writing(folder / PAGE):
        write_whole(folder / PAGE, morph_html(found))


def record(found: Dataset, folder: Path) -> dict[str, Any]:
    """The JSON object of one morph."""
    kept: dict[str, Any] = {key: output.plain(key, found.attrs[key]) for key in KEYS}
    kept["connected"] = bool(kept["connected"])
    # Numbers as in the gallery; the reference counts as 0.
    labels = found.attrs["islands"]
    kept |= {
        "from": found.attrs["first"] + 1,
        "to": found.attrs["second"] + 1,
        "through": [(k + 1) % (len(labels) + 1) for k in found.attrs["through"]],
        "order": [k + 1 for k in found.attrs["order"]],
        "islands": [
            [k + 1 for k, one in enumerate(labels) if one == label] for label in sorted({*labels})
        ],
    }
    curves = {
        name: [round(value, 5) for value in found[name].values.astype(float).tolist()]
        for name in ("position", "fraction", "straight_fraction", "fade_fraction")
    }
    return kept | curves | {"out": str(folder)}


def report(found: Dataset, folder: Path) -> None:
    """The table beside its null, the sentences, and where the files are."""
    from invis.views.search import morph_words

    kept = found.attrs
    rows = [
        ["morph", output.number(morph_words.lowest(found)), output.number(kept["length"])],
        [
            "straight line",
            output.number(kept["straight_fraction_min"]),
            output.number(kept["straight_length"]),
        ],
        ["cross-fade", output.number(kept["fade_fraction_min"]), output.number(kept["chord"])],
    ]
    click.echo(f"{kept['address']}, {morph_words.ends(found)}\n")
    header = ["path", f"lowest (floor: {kept['alpha']:g})", "length in R"]
    click.echo(output.table(header, rows, right=(1, 2)))
    click.echo()
    for said in (morph_words.verdict(found), morph_words.islands(found)):
        if said:
            click.echo(said)
    click.echo(f"\nPage: {folder / PAGE}")

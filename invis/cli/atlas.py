"""`invis atlas`: look into an atlas, prove that it is whole, merge some, make a site of one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.cli.saving import writable_folder, writing
from invis.errors import InvisError
from invis.progress import until_done
from invis.shipped import data_path

if TYPE_CHECKING:
    from invis.atlas.layer import AtlasLayer

F = TypeVar("F", bound=Callable[..., Any])

DAMAGED = 1


@click.group(short_help="Look into an atlas, verify, merge or export it.")
def atlas() -> None:
    """What to do with an atlas that `invis sweep` made: a folder, or any fsspec URL."""


@atlas.command(short_help="The layers of an atlas, how many units each has, and their indices.")
@click.argument("store", required=False)
@options.as_json
def info(store: str | None, as_json: bool) -> None:
    """Tell what the atlas at STORE holds; the one that ships when left out."""
    from invis.atlas import Atlas
    from invis.views.atlas import layer_table

    layers = sorted(Atlas(store or shipped()).layers(), key=layer_table.order)
    if as_json:
        output.echo_json([_record(layer) for layer in layers])
        return
    names = layer_table.groups(layers)
    rows = []
    for layer in layers:
        told = _record(layer)
        cells = [layer.model, names[layer.path], layer.layer, f"{told['done']}/{layer.channels}"]
        cells += [str(told["failed"]), output.number(told["index_median"])]
        rows.append([*cells, output.number(told["index_max"]), layer.path.rpartition("/")[2]])
    header = ["model", "weights", "layer", "units", "failed", "median index", "highest", "settings"]
    click.echo(output.table(header, rows, right=(3, 4, 5, 6)))
    done = sum(len(layer.done()) for layer in layers)
    click.echo(f"\n{done} finished units in {len(layers)} layers")


@atlas.command(short_help="Read every finished unit and compare it with what was written.")
@click.argument("store", required=False)
@click.option("--repair", is_flag=True, help="Let the next sweep search damaged units again.")
@options.as_json
def verify(store: str | None, repair: bool, as_json: bool) -> None:
    """Prove that the atlas at STORE is whole; ends with 1 where a unit is damaged.

    The one that ships when left out.
    """
    from invis.atlas import Atlas
    from invis.atlas.verify import verify_steps

    opened = Atlas(store or shipped(), mode="r+" if repair else "r")
    report = until_done(watched(verify_steps(opened, repair), "verify"))[-1]
    if as_json:
        found = {"damaged": report.damaged, "failed": report.failed}
        output.echo_json([{"layers": report.layers, "units": report.done} | found])
    else:
        for where, why in report.failed.items():
            click.echo(f"failed   {where}: {why}")
        for where, why in report.damaged.items():
            click.echo(f"damaged  {where}: {why}")
        state = f"{len(report.damaged)} damaged" if report.damaged else "clean"
        click.echo(f"{report.done} finished units in {report.layers} layers: {state}")
        if report.damaged:
            click.echo(
                "The next sweep searches them again."
                if repair
                else "With --repair, the next sweep searches them again."
            )
    if report.damaged:
        sys.exit(DAMAGED)


def _of_layers(command: F) -> F:
    """Arguments of the commands that write a note beside every unit of some layers."""
    command = options.device(command)
    for option in (
        click.option("--weights", help="The weights file, where the atlas was made with one."),
        click.option("--layers", help="Only layers whose path has this in it, such as conv2_2."),
        click.argument("store"),
    ):
        command = option(command)
    return command


@atlas.command(short_help="Probe every unit and keep what was found beside it.")
@_of_layers
def probe(store: str, layers: str | None, weights: str | None, device: str | None) -> None:
    """Say of every finished unit in the atlas at STORE what it ignores.

    Units that were probed before are left as they are, so that the command goes on where it was.
    Pages, tables and dashboards show the sentences.
    """
    _annotate(store, layers, weights, device, "probe")


@atlas.command(short_help="Explain every unit and keep what was found beside it.")
@_of_layers
def explain(store: str, layers: str | None, weights: str | None, device: str | None) -> None:
    """Explain the set of every finished unit in the atlas at STORE, as `invis explain` does.

    Units that were explained before are left as they are, so that the command goes on where it was.
    Pages, tables and dashboards show the sentences.
    """
    _annotate(store, layers, weights, device, "explain")


def _annotate(
    store: str, layers: str | None, weights: str | None, device: str | None, note: str
) -> None:
    from invis.atlas.annotate import annotate_steps

    steps = annotate_steps(_chosen(store, layers), weights, device, note)
    told = until_done(watched(steps, note))[-1]
    done = {"probe": "probed", "explain": "explained"}[note]
    for where, why in told.failed.items():
        click.echo(f"no {note} {where}: {why}")
    click.echo(f"{told.done - len(told.failed)} of {told.total} units are {done}")


@atlas.command(short_help="Search every unit at several floors and keep what that tells.")
@_of_layers
def profile(store: str, layers: str | None, weights: str | None, device: str | None) -> None:
    """Tell of every finished unit in the atlas at STORE tolerance from invariance.

    Units that have a profile are left as they are, so that the command goes on where it was.
    """
    from invis.atlas.profiles import profiles_steps

    steps = profiles_steps(_chosen(store, layers), weights, device)
    told = until_done(watched(steps, "profile"))[-1]
    click.echo(f"{told.done} of {told.total} units have a profile")


def _chosen(store: str, layers: str | None) -> list[AtlasLayer]:
    """Layers of an atlas that is to be written to.

    Raises:
        InvisError: if there are none.
    """
    from invis.atlas import Atlas

    found = Atlas(store, mode="r+").layers()
    chosen = [one for one in found if (layers or "") in one.path]
    if not found:
        raise InvisError(f"store {store!r} holds no layer: fill it with `invis sweep`")
    if not chosen:
        raise InvisError(f"--layers {layers!r} is in no path of the atlas {store!r}")
    return chosen


@atlas.command(short_help="Take from some atlases what another lacks.")
@click.argument("target")
@click.argument("sources", nargs=-1, required=True)
def merge(target: str, sources: tuple[str, ...]) -> None:
    """Put the units of the atlases SOURCES into the atlas TARGET, which is made where it is new.

    What TARGET has already it keeps.
    """
    from invis.atlas import Atlas
    from invis.atlas.merge import merge_steps

    opened = [Atlas(source) for source in sources]
    merged = until_done(watched(merge_steps(Atlas(target, mode="a"), opened), "merge"))[-1]
    click.echo(f"{merged.taken} units taken, {merged.same} were there already")
    for where in merged.differing:
        click.echo(f"differs  {where}: the target keeps its own")


@atlas.command(short_help="Pages, pictures and tables that open without Python.")
@click.argument("store", required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the site.")
@click.option("--with-store", is_flag=True, help="Add a copy of the store, metadata consolidated.")
def export(store: str | None, out: Path, with_store: bool) -> None:
    """Make a static site of the atlas at STORE (the one that ships when left out).

    Its units.csv holds all measures, and units.parquet where pyarrow is installed.
    """
    from invis.atlas import Atlas
    from invis.atlas.merge import consolidated_copy
    from invis.views.atlas.site import site_steps

    opened = Atlas(store or shipped())
    writable_folder(out)
    with writing(out):
        site = until_done(watched(site_steps(opened, out), "export"))[-1]
        if with_store:
            consolidated_copy(opened, str(out / "atlas.zarr"))
    click.echo(f"Site of {site.total} units: {out / 'index.html'}")


def shipped() -> Path:
    """The atlas of the embedded networks."""
    return data_path("atlas")


def _record(layer: Any) -> dict[str, Any]:
    """The JSON object of a layer."""
    from invis.atlas.table import rows
    from invis.views.base import words

    values = [words.number(row, "index") for row in rows(layer)]
    return {
        "path": layer.path,
        "model": layer.model,
        "weights": layer.weights,
        "weights_hash": layer.weights_hash,
        "layer": layer.layer,
        "channels": layer.channels,
        "done": len(layer.done()),
        "failed": len(layer.failed()),
        "index_median": words.median(values),
        "index_max": max((v for v in values if v is not None), default=None),
        "settings": layer.settings,
    }

"""`invis probe`: what units ignore, in sentences and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.places import prepared
from invis.cli.saving import slug, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.probe import Probes

PAGE = "probes.html"
GRATINGS = (
    "c/px: cycles per pixel. F1/F0: how much the response to a grating depends on its phase;\n"
    "0 is not at all, 1.57 a rectified linear unit."
)


@click.command(short_help="Say which transformations units ignore.")
@click.argument("target", metavar="ADDRESS|RESULT.NC")
@options.weights
@click.option("--texture", is_flag=True, help="Also the texture test of shift invariance.")
@options.search_options("seed")
@options.device
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the page.")
@options.as_json
def probe(target: str, texture: bool, out: Path | None, as_json: bool, **asked: Any) -> None:
    """Probe a saved result, or the units at an address, which are searched first.

    For each unit: response curves of its reference and set under shifts, rotations, scales, hues,
    phases, contrasts, blur and deformations, each beside a linear unit's, and how much of the set
    each explains. Writes probes.html.
    """
    from invis.probe import probe_steps, texture_test
    from invis.search import load, search
    from invis.views.probe.curves import probe_html

    folder = out if out is not None else Path("out") / f"{slug(_name(target))}-probes"
    with prepared([folder], (PAGE,)):
        saved = target.endswith(".nc")
        results: list[Dataset] = [load(target)] if saved else search(target, **asked)
        found: list[Probes] = []
        skipped: dict[str, str] = {}
        for snapshot in probe_steps(results, **asked):
            found += snapshot.finished
            skipped |= snapshot.skipped
        for address, why in skipped.items():
            click.echo(f"invis: {address}: {why}", err=True)
        if not found:
            raise InvisError(f"target {target!r} has no unit that can be probed")
        records = [one.summary() for one in found]
        if texture:
            alive = [ds for ds in results if str(ds.attrs["address"]) not in skipped]
            for record, ds in zip(records, alive, strict=True):
                tested = texture_test(ds, **asked)
                record["texture"] = {"ratio": round(tested.ratio, 4), "null": round(tested.null, 4)}
        with writing(folder / PAGE):
            write_whole(folder / PAGE, probe_html(found))
    if as_json:
        output.echo_json(records)
        return
    for one, record in zip(found, records, strict=True):
        report(one, record)
    click.echo(f"Page: {folder / PAGE}")


def report(found: Probes, record: dict[str, Any]) -> None:
    """The sentence, and what each family explains beside chance."""
    rows = [
        [name, _percent(one.explained), _percent(float(one.explained_null.mean()))]
        for name, one in found.shares()
    ]
    click.echo(f"{found.address}: {found.sentence}\n")
    header = ["family", "explains of the set %", "of a linear unit's %"]
    click.echo(output.table(header, rows, right=(1, 2)))
    if "texture" in record:
        tested = record["texture"]
        click.echo(
            f"\nTexture test: all crops reach {tested['ratio']:.2f} of the reference's response "
            f"(a linear unit: {tested['null']:.2f})"
        )
    if "F1/F0" in found.sentence:
        click.echo(f"\n{GRATINGS}")
    click.echo()


def _percent(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"  # a sum with 0.0 is never -0.0


def _name(target: str) -> str:
    """A result file is named by its folder."""
    return Path(target).resolve().parent.name if target.endswith(".nc") else target

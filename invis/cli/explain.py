"""`invis explain`: what units ignore, in a sentence that is tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.cli.places import prepared
from invis.cli.saving import slug, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole

if TYPE_CHECKING:
    from invis.probe.explain.explanation import Explanation

PAGE = "explanation.html"


@click.command(short_help="Say what units ignore, and test the sentence.")
@click.argument("target", metavar="ADDRESS|RESULT.NC")
@options.weights
@click.option("--data", type=click.Path(path_type=Path), help="Folder of photographs.")
@options.search_options("seed")
@options.device
@options.out
@options.as_json
def explain(target: str, data: Path | None, out: Path | None, as_json: bool, **asked: Any) -> None:
    """Explain a saved result, or the units at an address, which are searched first.

    Each image of the set is fitted as a composition of transformations of the reference (shift,
    rotation, scale, shear, bending, polarity, colour, phase, blur, contrast, of the whole and of
    parts) while the unit keeps the floor. Says what the families explain of the set beside a linear
    unit's, within which ranges, whether new images drawn so keep the floor, in which directions the
    response is flat, and how far photographs reach. Writes explanation.html.
    """
    from invis.probe.explain.explanation import explain_steps
    from invis.search import load
    from invis.views.probe.explanation import explanation_html

    saved = target.endswith(".nc")
    name = Path(target).resolve().parent.name if saved else target
    folder = out if out is not None else Path("out") / f"{slug(name)}-explained"
    found: list[Explanation] = []
    with prepared([folder], (PAGE,)):
        source = load(target) if saved else target
        for snapshot in watched(explain_steps(source, data=data, **asked), "explain"):
            found += snapshot.finished
            for address, why in snapshot.skipped.items():
                click.echo(f"invis: {address}: {why}", err=True)
        if not found:
            raise InvisError(f"target {target!r} has no unit that can be explained")
        with writing(folder / PAGE):
            write_whole(folder / PAGE, explanation_html(found))
    if as_json:
        output.echo_json([one.summary() for one in found])
        return
    for one in found:
        report(one)
    click.echo(f"Page: {folder / PAGE}")


def report(found: Explanation) -> None:
    """The sentence, the shares of the families, and what was tested."""
    click.echo(f"{found.address}: {found.sentence}\n")
    rows = [
        [name, _percent(one["share"]), _percent(one["null"]), "yes" if one["claimed"] else ""]
        for name, one in sorted(found.families.items(), key=lambda item: -item[1]["share"])
        if one["share"] > 0
    ]
    rows.append(["together", _percent(found.explained), _percent(found.explained_null), ""])
    header = ["family", "explains of the set %", "of a linear unit's %", "claimed"]
    click.echo(output.table(header, rows, right=(1, 2)))
    if found.held is not None:
        held = found.held
        click.echo(
            f"\nNew images: {_percent(held.kept)} % of {held.draws} keep the floor (random changes "
            f"of the same distance: {_percent(held.kept_random)} %, a linear unit: "
            f"{_percent(held.kept_linear)} %)"
        )
    for one in found.generators:
        click.echo(
            f"Flat: {one.words}, curvature {one.curvature:.2f} of a linear unit's, keeps the floor "
            f"up to a distance of {one.reach:.2f} (linear {one.reach_linear:.2f})"
        )
    if found.reach is not None:
        click.echo(
            f"Photographs: the best of {found.reach.crops:,} crops reaches "
            f"{_percent(found.reach.share)} % of the reference's response"
        )
    click.echo()


def _percent(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"  # a sum with 0.0 is never -0.0

"""`invis probe`: what a unit ignores, in a sentence and a table."""

from __future__ import annotations

from pathlib import Path

import click

from invis.cli import output
from invis.cli.saving import writable_folder, writing


@click.command(short_help="Say which transformations a unit ignores.")
@click.argument("target", metavar="ADDRESS|RESULT.NC")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write probes.html in.")
def probe(target: str, out: Path | None, as_json: bool) -> None:
    """Probe a saved result, or the unit at an address, which is searched first."""
    from invis.probe.probe import probe as run
    from invis.search.result import load

    if out is not None:
        writable_folder(out)
    found = run(load(target) if target.endswith(".nc") else target)
    if out is not None:
        from invis.views.probe_figure import probe_html

        with writing(out / "probes.html"):
            (out / "probes.html").write_text(probe_html(found), encoding="utf-8")
    if as_json:
        output.echo_json([found.summary()])
        return
    rows = [
        [name, output.number(curve.explained), output.number(curve.explained_null)]
        for name, curve in found.curves.items()
    ]
    click.echo(f"{found.address}: {found.sentence}\n")
    click.echo(output.table(["family", "explains", "linear unit"], rows, right=(1, 2)))

"""`invis probe`: what a unit ignores, in a sentence and a table."""

from __future__ import annotations

import click

from invis.cli import output


@click.command(short_help="Say which transformations a unit ignores.")
@click.argument("target", metavar="ADDRESS|RESULT.NC")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
def probe(target: str, as_json: bool) -> None:
    """Probe a saved result, or the unit at an address, which is searched first."""
    from invis.probe.probe import probe as run
    from invis.search.result import load

    found = run(load(target) if target.endswith(".nc") else target)
    if as_json:
        output.echo_json([found.summary()])
        return
    rows = [
        [name, output.number(curve.explained), output.number(curve.explained_null)]
        for name, curve in found.curves.items()
    ]
    click.echo(f"{found.address}: {found.sentence}\n")
    click.echo(output.table(["family", "explains", "linear unit"], rows, right=(1, 2)))

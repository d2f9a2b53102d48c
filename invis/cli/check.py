"""`invis check`: the search against units whose invariance is known exactly."""

from __future__ import annotations

import sys

import click

from invis.cli import output

KEYS = (
    "unit",
    "expected_index",
    "index",
    "expected_spread",
    "spread",
    "coverage",
    "false_claim",
    "passed",
)


@click.command(short_help="Score the search on units whose invariance is known.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
def check(as_json: bool) -> None:
    """Search the ground-truth units and compare what is found with what is known.

    Exits with 1 if any unit failed.
    """
    from invis.search.check import run_checks

    rows = run_checks()
    records = [{key: output.plain(key, row.get(key)) for key in KEYS} for row in rows]
    if as_json:
        output.echo_json(records)
    else:
        lines = [
            [
                str(row["unit"]),
                output.number(row["index"]),
                output.number(row["expected_index"]),
                output.number(row["spread"]),
                output.number(row["expected_spread"]),
                output.number(row["coverage"]),
                output.number(row["false_claim"]),
                "passed" if row["passed"] else "FAILED",
            ]
            for row in records
        ]
        header = ["unit", "index", "expected", "spread", "expected", "coverage", "false claim", ""]
        click.echo(output.table(header, lines, right=(1, 2, 3, 4, 5, 6)))
    if not all(row["passed"] for row in records):
        sys.exit(1)

"""`invis check`: the search against units whose invariance is known exactly."""

from __future__ import annotations

import sys

import click

from invis.cli import options, output
from invis.search.settings import NAMED_METRICS

KEYS = (
    "unit",
    "metric",
    "expected_index",
    "index",
    "expected_spread",
    "spread",
    "coverage",
    "maximum",
    "false_claim",
    "passed",
)
HEADER = (
    *("unit", "metric", "index", "expected", "spread", "expected"),
    *("coverage", "maximum", "false claim", ""),
)
BOTH = "both"


@click.command(short_help="Score the search on units whose invariance is known.")
@click.option(
    "--metric",
    type=click.Choice([*NAMED_METRICS, BOTH]),
    default=BOTH,
    show_default=True,
    help="The metric of the searches.",
)
@options.search_options("seed")
@options.device
@options.as_json
def check(metric: str, seed: int, device: str | None, as_json: bool) -> None:
    """Search the ground-truth units and compare what is found with what is known.

    What geometry allows each unit's set is computed from its filters, in each metric. Exits with 1
    if any unit failed.
    """
    from invis.search.check import run_checks

    metrics = NAMED_METRICS if metric == BOTH else (metric,)
    rows = [row for name in metrics for row in run_checks(seed, device, name)]
    records = [{key: output.plain(key, row.get(key)) for key in KEYS} for row in rows]
    if as_json:
        output.echo_json(records)
    else:
        lines = [
            [
                str(row["unit"]),
                str(row["metric"]),
                output.number(row["index"]),
                output.number(row["expected_index"]),
                output.number(row["spread"]),
                output.number(row["expected_spread"]),
                output.number(row["coverage"]),
                output.number(row["maximum"]),
                output.number(row["false_claim"]),
                "passed" if row["passed"] else "FAILED",
            ]
            for row in records
        ]
        click.echo(output.table(HEADER, lines, right=tuple(range(2, 9))))
    if not all(row["passed"] for row in records):
        sys.exit(1)

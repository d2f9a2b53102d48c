"""`invis doctor`: whether this machine can run Invis, and what to do where it can't."""

from __future__ import annotations

from dataclasses import asdict

import click

from invis.cli import options, output

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
PROBLEM = 2


@click.command(short_help="Check whether this machine can run Invis.")
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this machine and this installation, and say what to do about each problem.

    Starts no server and needs no network. The exit code is 0 where there is no problem, else 2.
    """
    from invis.doctor import examine

    rows = []
    for name, finding in examine():
        rows.append({"check": name, **asdict(finding)})
        if not as_json:
            state = click.style(f"{finding.state:7}", fg=COLOURS[finding.state], bold=True)
            click.echo(f"{state}  {name:12}  {finding.found}")
            if finding.advice:
                click.echo(f"{'':23}{click.style(finding.advice, bold=True)}")
    states = [row["state"] for row in rows]
    if as_json:
        output.echo_json(rows)
    else:
        click.echo(f"\n{_sum_up(states.count('problem'), states.count('warning'))}")
    context.exit(PROBLEM if "problem" in states else 0)


def _sum_up(problems: int, warnings: int) -> str:
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((problems, "problem"), (warnings, "warning"))
        if count
    ]
    if not counts:
        return "All is well: `invis demo` searches a first unit."
    then = "" if problems else "; Invis works here"
    return f"{' and '.join(counts)}{then}."

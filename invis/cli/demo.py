"""`invis demo`: one search that works offline and shows an invariance."""

from __future__ import annotations

from pathlib import Path

import click

from invis.cli.search import search
from invis.errors import InvisError
from invis.shipped import data_path

# A trained unit with a visible invariance, and one whose invariance is known exactly.
TRAINED = "minivgg/conv2_2/3"
GROUND_TRUTH = "truth/complex_cell/0"


def demo_address() -> str:
    """The trained unit where its network ships, else the ground-truth unit."""
    try:
        data_path("models/minivgg.safetensors")
    except InvisError:
        return GROUND_TRUTH
    return TRAINED


@click.command(short_help="Search one unit that ships with Invis, offline.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True)
@click.pass_context
def demo(context: click.Context, out: Path) -> None:
    """Search one unit that ships with Invis; needs no network."""
    address = demo_address()
    click.echo(f"invis search {address} --out {out}\n")
    context.invoke(search, address=address, out=out)

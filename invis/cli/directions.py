"""`invis directions`: the directions in which a layer's activations vary on your pictures."""

from __future__ import annotations

from pathlib import Path

import click

from invis.cli import options, output
from invis.cli.bars import progress


@click.command(short_help="Find directions of a layer in your pictures.")
@click.argument("address")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="A folder of pictures."
)
@click.option("--kind", default="pca", show_default=True, help="pca or nmf.")
@click.option("--count", default=8, show_default=True, help="How many directions.")
@options.weights
@click.option("--seed", default=0, show_default=True, help="Of the positions looked at.")
@options.device
@click.option("--out", type=click.Path(path_type=Path), help="The file to write, FILE.nc.")
@options.as_json
def directions(
    address: str,
    data: Path,
    kind: str,
    count: int,
    weights: str | None,
    seed: int,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find directions of the layer at ADDRESS (model/layer) by PCA or NMF of its activations.

    Each is a unit of its own: invis search directions/FILE.nc/0.
    """
    from invis.files.saved import save
    from invis.probe.components import components_steps

    place = out or Path(f"{address.replace('/', '-').replace('@', '-')}-{kind}.nc")
    steps = components_steps(address, data, kind, count, weights=weights, seed=seed, device=device)
    with progress(address) as tell:
        for latest in steps:
            tell(latest)
    (found,) = latest.finished
    if weights is not None:
        found.attrs["layer"] = _with_weights(address, weights)
    save(found, place)
    shares = found["share"].values.tolist()
    rows = [{"address": f"directions/{place}/{k}", "share": s} for k, s in enumerate(shares)]
    if as_json:
        output.echo_json(rows)
        return
    lines = [[str(row["address"]), f"{float(row['share']):.1%}"] for row in rows]
    click.echo(output.table(["address", "share"], lines, right=(1,)))


def _with_weights(address: str, weights: str) -> str:
    """The address with its weights named, where they have a name that an address can hold."""
    model, _, layer = address.partition("/")
    named = "/" not in weights and "@" not in model
    return f"{model}@{weights}/{layer}" if named else address

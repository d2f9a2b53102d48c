"""`invis models` and `invis units`: what there is to ask about."""

from __future__ import annotations

from typing import Any

import click

from invis.cli import options, output


@click.command(short_help="List the models.")
@options.as_json
def models(as_json: bool) -> None:
    """List the models, where each comes from and whether it works offline."""
    from invis.models.catalogue import catalogue

    rows = catalogue()
    if as_json:
        output.echo_json(rows)
        return
    lines = [
        [
            str(row["name"]),
            str(row["source"]),
            _offline(row),
            str(row["layers"]),
        ]
        for row in rows
    ]
    click.echo(output.table(["model", "source", "offline", "layers"], lines, right=(3,)))


def _offline(row: dict[str, Any]) -> str:
    if row["available_offline"]:
        return "yes"
    return "untrained only" if row["source"] == "embedded" else "after a download"


@click.command(short_help="List the layers of a model.")
@click.argument("model")
@options.as_json
def units(model: str, as_json: bool) -> None:
    """List the layers of MODEL: names, channels, receptive field and the tensor that is meant."""
    from dataclasses import asdict

    from invis.models.layers import layers
    from invis.models.zoo import architecture, check_weights

    # The layers follow from the architecture alone, so nothing is downloaded for them.
    name, _, weights = model.partition("@")
    table = layers(architecture(name))
    if weights:
        check_weights(name, weights)
    rows = [asdict(row) for row in table]
    if as_json:
        keys = ("layer", "alias", "channels", "receptive_field", "stride")
        output.echo_json([{key: output.plain(key, row[key]) for key in keys} for row in rows])
        return
    lines = [
        [
            str(row["layer"]),
            str(row["alias"] or ""),
            str(row["channels"]),
            str(row["receptive_field"]),
            str(row["stride"]),
            str(row["tensor"]),
        ]
        for row in rows
    ]
    header = ["layer", "alias", "channels", "field", "stride", "the value meant"]
    click.echo(output.table(header, lines, right=(2, 3, 4)))

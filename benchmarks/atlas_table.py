"""What the notes of an atlas say of each layer: kappa, how many images fit, what is explained.

    python benchmarks/atlas_table.py [data/atlas]

Prints two tables in Markdown over the live units that have a note, medians with quartiles: profiles
(`invis atlas profile`) and explanations (`invis atlas explain`).
"""

from __future__ import annotations

import sys

import pandas as pd
from tables import table

from invis import data_path
from invis.atlas import Atlas

LAYER = ["model", "layer", "weights"]


def spread_of(values: pd.Series) -> str:
    """`0.31 (0.21 to 0.43)`."""
    low, middle, high = values.dropna().astype(float).quantile([0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def show(known: pd.DataFrame, needs: str, columns: dict[str, str]) -> None:
    """A row a layer and weights, for units that have the column `needs`."""
    living = known[~known["dead"].astype(bool)].dropna(subset=[needs])
    rows = [
        [f"{model} {layer}", weights, str(len(units)), *(spread_of(units[one]) for one in columns)]
        for (model, layer, weights), units in living.groupby(LAYER, sort=True)
    ]
    print(table(["layer", "weights", "units", *columns.values()], rows))


def main(store: str = "") -> None:
    known = Atlas(store or str(data_path("atlas"))).table(notes=["profile", "explain"])
    show(
        known,
        "profile_kappa",
        {
            "profile_index_0.9": "index at 0.9",
            "profile_index_0.98": "index at 0.98",
            "profile_kappa": "kappa",
            "profile_packing": "images that fit",
        },
    )
    print()
    named = known.assign(named=known["explain_sentence"].str.startswith("ignores", na=False))
    show(
        named,
        "explain_explained",
        {"explain_explained": "explained", "explain_explained_null": "of a linear unit's set"},
    )
    print()
    for (model, layer, weights), units in named.dropna(subset=["explain_explained"]).groupby(LAYER):
        print(f"{model} {layer} {weights}: {units['named'].sum()} of {len(units)} are named")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The scores of a stitching: as a matrix, all methods on one axis, and over the anchors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from xarray import Dataset

from invis.errors import InvisError
from invis.stitching.table import summary
from invis.views.base.theme import LABEL_SIZE, mixed, palette, template, text_on

PANEL_HEIGHT, ROW_HEIGHT, ANCHORS_HEIGHT = 300, 34, 560
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x")
NAMES = {"classification": "accuracy", "reconstruction": "RMS error"}


def chosen_methods(ds: Dataset) -> list[str]:
    """A product, the best single similarity and the best translator of a table, then its nulls."""
    rows = {row["method"]: row for row in summary(ds)}

    def best(kinds: Sequence[str]) -> list[str]:
        labels = [
            str(m)
            for m, kind in zip(ds["technique"].values, ds["kind"].values, strict=True)
            if kind in kinds and np.isfinite(rows[str(m)]["index"])
        ]
        return sorted(labels, key=lambda m: -rows[m]["index"])[:1]

    translators = ("affine", "linear", "orthogonal")
    nulls = [str(m) for m in ds["technique"].values[ds["null"].values]]
    return best(["product"]) + best(["relative"]) + best(translators) + nulls


def short(value: float) -> str:
    """Two digits without the leading zero, so that six columns fit on a narrow page."""
    return f"{value:.2f}".removeprefix("0") if np.isfinite(value) else "–"


def matrix_figure(
    ds: Dataset, methods: Sequence[str] | None = None, dark: bool = False
) -> go.Figure:
    """Scores of all pairs, mean over the seeds: a panel a method, with one colour scale.

    Args:
        ds: a result of `stitch`.
        methods: labels, in order; left out: the best product, single similarity and translator,
            and below them the nulls.
        dark: the scheme.

    Raises:
        InvisError: a label is not in the result.
    """
    colours = palette(dark)
    labels = list(methods) if methods is not None else chosen_methods(ds)
    known = [str(m) for m in ds["technique"].values]
    for label in labels:
        if label not in known:
            raise InvisError(f"method {label!r} is not one of {', '.join(known)}.")
    columns = min(3, len(labels))
    rows = -(-len(labels) // columns)
    nulls = dict(zip(known, ds["null"].values, strict=True))
    titles = [f"{label} (null)" if nulls[label] else label for label in labels]
    height = PANEL_HEIGHT * rows + 130
    figure = make_subplots(
        rows, columns, subplot_titles=titles,
        horizontal_spacing=0.03, vertical_spacing=0.3 * PANEL_HEIGHT / height / rows,
    )  # fmt: skip
    mean = ds["score"].mean("seed", skipna=False)
    lower = ds.attrs["better"] == "lower"
    top = 1.0 if not lower else float(np.nanmax(mean.values))
    # On paper the index's blue would have black and white text side by side among high scores.
    ends = colours.shade, colours.index if dark else mixed(colours.index, colours.ink, 0.35)
    scale = [[0, ends[0]], [1, ends[1]]]
    encoders, decoders = ([str(v) for v in ds[d].values] for d in ("encoder", "decoder"))
    texts = []
    # No shared axes: plotly keeps their categories for good, though the encoders change.
    for i, label in enumerate(labels):
        values = mean.sel(technique=label).values
        reasons = ds["reason"].sel(technique=label).values
        text = [[short(v) for v in line] for line in values]
        place = {"row": i // columns + 1, "col": i % columns + 1}
        figure.update_xaxes(showticklabels=i + columns >= len(labels), **place)
        figure.update_yaxes(showticklabels=place["col"] == 1, **place)
        figure.add_heatmap(
            z=values, x=decoders, y=encoders, text=text,
            customdata=reasons, coloraxis="coloraxis", xgap=2, ygap=2,
            hovertemplate="%{y} into the decoder of %{x}: %{text} %{customdata}<extra></extra>",
            **place,
        )  # fmt: skip
        shares = (top - values if lower else values) / top
        inks = [_ink(share, ends, colours.ink) for share in shares.flat]
        texts.append((go.Scatter(
            x=decoders * len(encoders), y=np.repeat(encoders, len(decoders)), mode="text",
            text=np.ravel(text), hoverinfo="skip", showlegend=False,
            textfont={"size": 13, "color": inks},
        ), place))  # fmt: skip
    for trace, place in texts:
        figure.add_trace(trace, **place)
    word = f"{NAMES[ds.attrs['task']]} (chance {short(ds.attrs['chance'])})"
    figure.update_layout(
        template=template(dark),
        title={"text": f"Encoder (row) into decoder (column): {word}", "y": 1 - 14 / height},
        height=height,
        margin={"l": 140, "r": 90, "t": 84, "b": 110},
        coloraxis={
            "colorscale": scale,
            "reversescale": lower,
            "cmin": 0,
            "cmax": top,
            "colorbar": {"thickness": 14, "outlinewidth": 0},
        },
    )
    figure.update_annotations(font={"size": LABEL_SIZE})
    figure.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    figure.update_xaxes(showgrid=False, tickangle=-40, automargin=True)
    return figure


def _ink(share: float, ends: tuple[str, str], empty: str) -> str:
    """Of the text in a cell; plotly's own choice is faint on the middle of the scale."""
    return text_on(mixed(*ends, min(max(share, 0.0), 1.0))) if np.isfinite(share) else empty


def methods_figure(ds: Dataset, dark: bool = False) -> go.Figure:
    """Every method on one axis: own pairs hollow, stitched pairs filled with their spread."""
    colours = palette(dark)
    table = summary(ds)
    names = [f"{row['method']} (null)" if row["null"] else row["method"] for row in table]
    shades = [colours.null if row["null"] else colours.index for row in table]
    height = ROW_HEIGHT * len(table) + 150
    figure = go.Figure()
    figure.add_scatter(
        x=[row["own"] for row in table], y=names, mode="markers", name="own decoder",
        marker={"symbol": "circle-open", "size": 13, "color": shades, "line": {"width": 2}},
        hovertemplate="%{y}, own decoder: %{x:.3f}<extra></extra>",
    )  # fmt: skip
    spread = [0 if np.isnan(row["spread"]) else row["spread"] for row in table]
    figure.add_scatter(
        x=[row["stitched"] for row in table], y=names, mode="markers", name="stitched",
        marker={"size": 13, "color": shades},
        error_x={"array": spread, "thickness": 2, "width": 6, "color": colours.muted},
        hovertemplate="%{y}, stitched: %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(
        x=ds.attrs["chance"],
        line={"color": colours.null, "dash": "dot", "width": 2},
        annotation={"text": "chance", "font": {"color": colours.muted}},
        annotation_position="bottom right",
    )
    seeds = ds.sizes["seed"]
    figure.update_layout(
        template=template(dark),
        title={"text": "Every method, with its nulls", "y": 1 - 14 / height},
        height=height,
        margin={"l": 220, "r": 30, "t": 84, "b": 60},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
        xaxis={
            "title": {
                "text": f"{NAMES[ds.attrs['task']]}, mean of pairs; bars: SD of {seeds} seeds"
            },
            "rangemode": "tozero",
        },
        yaxis={"autorange": "reversed", "showgrid": True},
    )
    return figure


def anchors_figure(sweep: Dataset, dark: bool = False) -> go.Figure:
    """Mean score of the stitched pairs with the SD over seeds; nulls are dashed and grey.

    Args:
        sweep: a result of `anchor_sweep_steps`.
        dark: the scheme.
    """
    colours = palette(dark)
    other = ~np.eye(sweep.sizes["encoder"], dtype=bool)
    figure = go.Figure()
    shown = 0
    for i, label in enumerate(sweep["technique"].values):
        pairs = sweep["score"].values[:, i][:, :, other]
        seeds = np.nanmean(pairs, axis=2)
        null = bool(sweep["null"].values[i])
        colour = colours.null if null else colours.series[shown % len(colours.series)]
        figure.add_scatter(
            x=sweep["anchors"].values,
            y=seeds.mean(axis=1),
            error_y={"array": seeds.std(axis=1, ddof=min(1, seeds.shape[1] - 1)), "width": 4},
            name=f"{label} (null)" if null else str(label),
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": "dash" if null else "solid"},
            marker={"size": 10, "symbol": SYMBOLS[i % len(SYMBOLS)]},
            hovertemplate="%{x} anchors: %{y:.3f}",
        )
        shown += not null
    figure.add_hline(y=sweep.attrs["chance"], line={"color": colours.muted, "dash": "dot"})
    figure.update_layout(
        template=template(dark),
        title={"text": "How many anchors it takes", "y": 1 - 14 / ANCHORS_HEIGHT},
        height=ANCHORS_HEIGHT,
        margin={"l": 80, "r": 20, "t": 70, "b": 70},
        xaxis={
            "title": {"text": "anchors"},
            "type": "log",
            "tickvals": sweep["anchors"].values,
            "ticktext": [str(n) for n in sweep["anchors"].values],
        },
        yaxis={"title": {"text": f"{NAMES[sweep.attrs['task']]} of stitched pairs"}},
    )
    return figure

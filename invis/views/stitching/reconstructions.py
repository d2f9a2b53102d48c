"""Images through a stitched decoder: original, own, stitched, null, in rows."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.errors import InvisError
from invis.stitching.table import summary
from invis.views.base.theme import palette, rgb, template
from invis.views.stitching.scores import chosen_methods

# Pixels of the figure a picture is shown at, and between two.
SHOWN, GAP = 48, 8


def reconstructions_figure(
    ds: Dataset,
    encoder: str | None = None,
    decoder: str | None = None,
    method: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Rows of images: the originals, B's own, A's through B's decoder, and the same by each null.

    Args:
        ds: a result of `stitch` for the task `reconstruction`.
        encoder, decoder: A and B; left out: the B that draws its own images best, and of the others
            the A that it draws neither best nor worst.
        method: its label; left out: the best product.
        dark: the scheme.

    Raises:
        InvisError: the result has no pictures, or a name is not in it.
    """
    if "picture" not in ds:
        raise InvisError("the result has no pictures: ask stitch for the task 'reconstruction'.")
    chosen = {
        "technique": method if method is not None else chosen_methods(ds)[0],
        "encoder": encoder,
        "decoder": decoder,
    }
    _complete(ds, chosen)
    for dimension, value in chosen.items():
        known = [str(v) for v in ds[dimension].values]
        if value not in known:
            raise InvisError(f"{dimension} {value!r} is not one of {', '.join(known)}.")
    a, b, label = (str(chosen[key]) for key in ("encoder", "decoder", "technique"))
    picture, score = ds["picture"], ds["score"].mean("seed", skipna=False)
    nulls = [str(m) for m in ds["technique"].values[ds["null"].values]]
    rows = [("original", ds["original"].values)]
    for name, how, source in (
        ("own decoder", label, b),
        ("stitched", label, a),
        *((f"null: {null}", null, a) for null in nulls),
    ):
        at = {"technique": how, "encoder": source, "decoder": b}
        error = float(score.sel(at))
        if np.isfinite(error):
            rows.append((f"{name} ({error:.2f})", picture.sel(at).values))
    figure = _mosaic(rows, dark)
    own = {row["method"]: row["index"] for row in summary(ds)}
    figure.update_layout(
        title={"text": f"{a} drawn by the decoder of {b}"},
        meta={"method": label, "index": own[label]},
    )
    return figure


def _complete(ds: Dataset, chosen: dict[str, str | None]) -> None:
    """Fill in the encoder and the decoder that were not named."""
    names = [str(v) for v in ds["encoder"].values]
    if chosen["technique"] not in ds["technique"].values:
        return
    error = ds["score"].sel(technique=chosen["technique"]).mean("seed", skipna=False).values
    if chosen["decoder"] is None:
        chosen["decoder"] = names[int(np.nanargmin(np.diagonal(error)))]
    if chosen["encoder"] is None:
        others = [i for i, name in enumerate(names) if name != chosen["decoder"]]
        if chosen["decoder"] in names:
            others.sort(key=lambda i: error[i, names.index(str(chosen["decoder"]))])
        chosen["encoder"] = names[others[len(others) // 2]]


def _mosaic(rows: list[tuple[str, np.ndarray]], dark: bool) -> go.Figure:
    colours = palette(dark)
    count, height, width = rows[0][1].shape[:3]
    zoom = max(1, SHOWN // max(height, width))
    h, w = height * zoom + GAP, width * zoom + GAP
    canvas = np.empty((h * len(rows), w * count, 3), dtype=np.uint8)
    canvas[:] = rgb(colours.paper)
    for i, (_, images) in enumerate(rows):
        for j, image in enumerate(images):
            large = np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)
            canvas[i * h : i * h + h - GAP, j * w : j * w + w - GAP] = large
    figure = go.Figure(go.Image(z=canvas, hoverinfo="skip"))
    figure.update_layout(
        template=template(dark),
        height=len(rows) * h + 90,
        width=count * w + 290,
        margin={"l": 270, "r": 20, "t": 70, "b": 20},
        xaxis={"visible": False},
        yaxis={
            "tickvals": [i * h + (h - GAP) / 2 for i in range(len(rows))],
            "ticktext": [name for name, _ in rows],
            "showgrid": False,
        },
    )
    return figure

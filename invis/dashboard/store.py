"""What the dashboard reads from an atlas: never more than it names, nothing is ever written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from cachetools import LRUCache, cachedmethod

from invis.atlas import Atlas, AtlasLayer
from invis.atlas.annotate import NOTES, PROFILE
from invis.atlas.table import rows
from invis.errors import InvisError
from invis.views.atlas import layer_table
from invis.views.atlas.layers_figure import layers_figure
from invis.views.atlas.site import strip
from invis.views.base.images import data_uri, grey_of, stretch_factor
from invis.views.base.measures import MEASURES
from invis.views.search.set_figure import set_figure

M = TypeVar("M", bound=Callable[..., Any])
KINDS = (*NOTES, PROFILE)
# Entries kept: tables of layers, strips of units, figures of layers and of units.
LAYERS, STRIPS, FIGURES = 256, 4096, 128


def _kept(where: str, key: Callable[..., Any]) -> Callable[[M], M]:
    """Keep what a method of Store returns in its cache of that name."""
    return cast(
        Callable[[M], M], cachedmethod(attrgetter(where), key=key, lock=attrgetter("_lock"))
    )


class Store:
    """One atlas for all visitors.

    Args:
        url: of the atlas.

    Attributes:
        damaged: path -> why of layers that should be there and cannot be opened.

    Raises:
        InvisError: where it is none.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._atlas = Atlas(url)
        self._tables: LRUCache[Any, Any] = LRUCache(LAYERS)
        self._factors: LRUCache[Any, Any] = LRUCache(LAYERS)
        self._strips: LRUCache[Any, Any] = LRUCache(STRIPS)
        self._figures: LRUCache[Any, Any] = LRUCache(FIGURES)
        self._lock = Lock()
        self.refresh()

    def refresh(self) -> None:
        """Look again which layers there are."""
        layers = sorted(self._atlas.layers(), key=layer_table.order)
        self.damaged = self._atlas.damaged()
        self._groups = layer_table.groups(layers)
        self._layers = {(one.model, one.layer, self._groups[one.path]): one for one in layers}

    @property
    def models(self) -> list[str]:
        """Names of the networks."""
        return list(dict.fromkeys(model for model, _, _ in self._layers))

    def layers(self, model: str) -> list[str]:
        """Names of a network's layers."""
        return list(dict.fromkeys(layer for m, layer, _ in self._layers if m == model))

    def groups(self, model: str) -> list[str]:
        """What tells layers of one name apart: `trained`, `untrained, seed 0`."""
        return list(dict.fromkeys(group for m, _, group in self._layers if m == model))

    def layer(self, model: str, layer: str, group: str) -> AtlasLayer | None:
        """One layer of the store, by names that `models`, `layers` and `groups` gave."""
        return self._layers.get((model, layer, group))

    @_kept("_tables", lambda _, layer: (layer.path, len(layer.done())))
    def rows(self, layer: AtlasLayer) -> list[dict[str, Any]]:
        """A row a finished unit: its measures and its notes'; kept until more are finished.

        Units that are damaged are left out.
        """
        return _rows(layer)

    def overview(self, model: str) -> list[dict[str, Any]]:
        """All units of a network as the overview of layers draws them."""
        found = []
        for (m, name, group), layer in self._layers.items():
            if m == model:
                for row in self.rows(layer):
                    told = {"channel": row["channel"], "dead": row.get("dead")}
                    told |= {key: row.get(key, row.get(f"{PROFILE}_{key}")) for key in MEASURES}
                    place = f"{name}|{group}|{row['channel']}"
                    found.append(told | {"layer": name, "group": group, "address": place})
        return found

    def read(self, layer: AtlasLayer, channel: int) -> xr.Dataset:
        """A finished unit; InvisError where it is none, or damaged."""
        return layer.read(channel)

    @_kept("_figures", lambda _, key, make: key)
    def figure(self, key: tuple[Any, ...], make: Callable[[], go.Figure]) -> go.Figure:
        """The figure of a key, made once for all visitors; nobody may change it."""
        return make()

    def measures(self, model: str) -> list[str]:
        """The measures that some unit of a network has: kappa only where there are profiles."""
        units = self.overview(model)
        return [key for key in MEASURES if any(row[key] is not None for row in units)]

    def layers_figure(
        self, model: str, title: str, dark: bool, top: float = 0.0, measure: str = "index"
    ) -> go.Figure | None:
        """The layers of a network; None where it has no finished unit."""
        rows = self.overview(model)
        if not rows:
            return None
        key = ("layers", model, title, dark, top, measure, len(rows))
        return self.figure(
            key, lambda: layers_figure(rows, dark=dark, title=title, top=top, measure=measure)
        )

    def set_figure(self, layer: AtlasLayer, channel: int, dark: bool) -> go.Figure:
        """The set of a unit; InvisError where it is none, or damaged."""
        key = ("set", layer.path, channel, dark)
        return self.figure(key, lambda: set_figure(self.read(layer, channel), dark))

    def strips(self, layer: AtlasLayer, channels: Sequence[int]) -> list[str]:
        """PNG data URIs of reference and set of some units; "" where one is damaged."""
        return [self._strip(layer, k) for k in channels]

    @_kept("_strips", lambda _, layer, channel: (layer.path, channel))
    def _strip(self, layer: AtlasLayer, channel: int) -> str:
        return _strip(layer, channel, self._factor(layer))

    @_kept("_factors", lambda _, layer: layer.path)
    def _factor(self, layer: AtlasLayer) -> int:
        return _factor(layer)


def _rows(layer: AtlasLayer) -> list[dict[str, Any]]:
    try:
        return rows(layer, KINDS)
    except InvisError:
        return [row for k in sorted(layer.done()) for row in _row(layer, k)]


def _row(layer: AtlasLayer, channel: int) -> list[dict[str, Any]]:
    try:
        attrs = layer.record(channel)["attrs"]
    except InvisError:
        return []
    notes = {name: layer.noted(channel, name) or {} for name in KINDS}
    told = {f"{name}_{key}": value for name, note in notes.items() for key, value in note.items()}
    return [{**attrs, **told, "channel": channel, "path": layer.path}]


def _factor(layer: AtlasLayer) -> int:
    """One stretch for a layer, from its first units that can be read."""
    sets = []
    for channel in sorted(layer.done())[:16]:
        try:
            sets.append(layer.read(channel))
        except InvisError:
            continue
    return stretch_factor(sets) if sets else 1


def _strip(layer: AtlasLayer, channel: int, factor: int) -> str:
    try:
        ds = layer.read(channel)
    except InvisError:
        return ""
    pixels = np.concatenate([ds["reference_image"].values[None], ds["images"].values])
    return data_uri(strip(pixels, grey_of(ds), factor))

"""What the dashboard reads from an atlas: never more than it names, nothing is ever written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from invis.atlas import Atlas, AtlasLayer
from invis.atlas.table import rows
from invis.errors import InvisError
from invis.views.atlas import layer_table
from invis.views.atlas.layers_figure import layers_figure
from invis.views.atlas.site import strip
from invis.views.base.images import data_uri, grey_of, stretch_factor
from invis.views.search.set_figure import set_figure

T = TypeVar("T")
NOTE = "probe"
# Entries kept: tables of layers, strips of units, figures of layers and of units.
LAYERS, STRIPS, FIGURES = 256, 4096, 128


class Bounded:
    """The values that were asked for last; safe from many threads."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """The value of a key, made where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._kept)


class Store:
    """One atlas for all visitors.

    Args:
        url: of the atlas.

    Raises:
        InvisError: where it is none.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._atlas = Atlas(url)
        self._tables, self._strips = Bounded(LAYERS), Bounded(STRIPS)
        self._figures = Bounded(FIGURES)
        self.refresh()

    def refresh(self) -> None:
        """Look again which layers there are."""
        layers = sorted(self._atlas.layers(), key=layer_table.order)
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

    def rows(self, layer: AtlasLayer) -> list[dict[str, Any]]:
        """A row a finished unit: its measures and its probe's; kept until more are finished.

        Units that are damaged are left out.
        """
        done = layer.done()
        return self._tables.get((layer.path, len(done)), lambda: _rows(layer))

    def overview(self, model: str) -> list[dict[str, Any]]:
        """All units of a network as the overview of layers draws them."""
        found = []
        for (m, name, group), layer in self._layers.items():
            if m == model:
                for row in self.rows(layer):
                    keys = ("channel", "index", "spread", "dead")
                    told = {key: row.get(key) for key in keys}
                    place = f"{name}|{group}|{row['channel']}"
                    found.append(told | {"layer": name, "group": group, "address": place})
        return found

    def read(self, layer: AtlasLayer, channel: int) -> xr.Dataset:
        """A finished unit; InvisError where it is none, or damaged."""
        return layer.read(channel)

    def figure(self, key: tuple[Any, ...], make: Callable[[], go.Figure]) -> go.Figure:
        """The figure of a key, made once for all visitors; nobody may change it."""
        return self._figures.get(key, make)

    def layers_figure(
        self, model: str, title: str, dark: bool, top: float = 0.0
    ) -> go.Figure | None:
        """The layers of a network; None where it has no finished unit."""
        rows = self.overview(model)
        if not rows:
            return None
        key = ("layers", model, title, dark, top, len(rows))
        return self.figure(key, lambda: layers_figure(rows, dark=dark, title=title, top=top))

    def set_figure(self, layer: AtlasLayer, channel: int, dark: bool) -> go.Figure:
        """The set of a unit; InvisError where it is none, or damaged."""
        key = ("set", layer.path, channel, dark)
        return self.figure(key, lambda: set_figure(self.read(layer, channel), dark))

    def strips(self, layer: AtlasLayer, channels: Sequence[int]) -> list[str]:
        """PNG data URIs of reference and set of some units; "" where one is damaged."""
        factor = self._tables.get((layer.path, "factor"), lambda: _factor(layer))
        return [
            self._strips.get((layer.path, k), lambda k=k: _strip(layer, k, factor))  # type: ignore[misc]
            for k in channels
        ]


def _rows(layer: AtlasLayer) -> list[dict[str, Any]]:
    try:
        return rows(layer, [NOTE])
    except InvisError:
        return [row for k in sorted(layer.done()) for row in _row(layer, k)]


def _row(layer: AtlasLayer, channel: int) -> list[dict[str, Any]]:
    try:
        attrs = layer.record(channel)["attrs"]
    except InvisError:
        return []
    note = layer.noted(channel, NOTE) or {}
    told = {f"{NOTE}_{key}": value for key, value in note.items()}
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

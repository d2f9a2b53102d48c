"""Controls that choose a unit: by a typed address, or by model, weights, layer and channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import traitlets

from invis.errors import InvisError
from invis.models.address import parse_address
from invis.models.catalogue import catalogue
from invis.models.layers import Layer, layers
from invis.models.names import EMBEDDED
from invis.models.sources import shipped, weights_enum
from invis.models.suggest import layers_of, listed_layer, suggest
from invis.models.unit import Units, check_channels, units_at
from invis.models.zoo import TRUTH

SUFFIXES = (".safetensors", ".pt", ".pth")


class UnitChooser(ipw.VBox):
    """A field for the address that completes while one types, and a control for each of its parts.

    Attributes:
        address: of one unit, always a valid one.
        file: of weights for its model; "" where the address says it all.
        hint: why what was typed last is no address; "" where it is one.
    """

    address = traitlets.Unicode()
    file = traitlets.Unicode()
    hint = traitlets.Unicode()

    def __init__(self, address: str) -> None:
        self._field = ipw.Combobox(
            placeholder="Type an address: model, layer, unit", ensure_option=False,
            continuous_update=True,
        )  # fmt: skip
        self._model = _dropdown([row["name"] for row in offline_first(catalogue())], "180px")
        self._weights = ipw.Combobox(
            placeholder="default, none:0 or a file", continuous_update=False,
            layout=ipw.Layout(flex="1 1 150px", min_width="0"),
        )  # fmt: skip
        self._layer = _dropdown([], "160px")
        self._channel = ipw.BoundedIntText(
            min=0, max=0, layout=ipw.Layout(flex="1 1 90px", min_width="0")
        )
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        parts = [
            named("model", self._model), named("weights", self._weights),
            named("layer", self._layer), named("unit", self._channel),
        ]  # fmt: skip
        super().__init__([named("unit’s address", self._field), ipw.HBox(parts, layout=row)])
        self._busy = False
        self.address = address
        self._field.observe(self._typed, "value")
        self._model.observe(self._new_model, "value")
        self._layer.observe(self._new_layer, "value")
        for control in (self._weights, self._channel):
            control.observe(lambda _: self._of_parts(), "value")

    def layers_before(self) -> list[str]:
        """The layers that come before the chosen unit's."""
        where = parse_address(self.address)
        return _before(layers_of(where.model), where.layer)

    def opener(self, address: str, device: str | None) -> Callable[[], Units]:
        """What loads a unit, for the worker's thread."""
        return lambda: units_at(address, self.file or None, device)

    def wrong(self) -> str:
        """Why what stands in the fields names no unit; "" where the address is what they say."""
        if self.hint:
            return self.hint
        try:
            self._valid({"value": self._field.value})
        except InvisError as error:
            return str(error)
        return ""

    @traitlets.validate("address")
    def _valid(self, proposal: Any) -> str:
        where = parse_address(proposal["value"])
        if len(where.channels) != 1:
            raise InvisError(f"address {proposal['value']!r} names several units: give one")
        layer = listed_layer(where.model, where.layer)
        if layer is None:
            near = ", ".join(suggest(f"{where.model}/{where.layer}")[:3])
            near = near or layers_of(where.model)[0].layer
            raise InvisError(
                f"address {proposal['value']!r} names no layer of {where.model}: try {near}"
            )
        check_channels(layer, where.channels, where.model)
        return str(where)

    @traitlets.observe("address")
    def _show(self, _: Any) -> None:
        where = parse_address(self.address)
        self._busy = True
        try:
            known = layers_of(where.model)
            layer = listed_layer(where.model, where.layer)
            assert layer is not None
            self._model.value = where.model
            self._weights.options = weights_of(where.model)
            self._weights.value = where.weights or self.file
            self._layer.options = [one.layer for one in known]
            self._layer.value = layer.layer
            self._channel.max = layer.channels - 1
            self._channel.value = where.channels[0]
            self._field.value = self.address
            self._field.options = suggest(self.address)
        finally:
            self._busy = False
        self.hint = ""

    def _typed(self, change: Any) -> None:
        if self._busy:
            return
        text = change["new"]
        self._field.options = suggest(text)
        try:
            self.address = text
        except InvisError as error:
            # While one types most texts are no address; a whole one that is wrong is told.
            self.hint = str(error) if text.count("/") == 2 and not text.endswith("/") else ""
        else:
            self.hint = ""

    def _new_model(self, change: Any) -> None:
        if self._busy:
            return
        known = layers_of(change["new"])
        self._take(f"{change['new']}/{known[min(1, len(known) - 1)].layer}/0")

    def _new_layer(self, change: Any) -> None:
        if not self._busy and change["new"]:
            model, *_ = self.address.split("/")
            self._take(f"{model}/{change['new']}/0")

    def _of_parts(self) -> None:
        if self._busy:
            return
        given = self._weights.value.strip()
        self.file = given if _is_file(given) else ""
        weights = f"@{given}" if given and not self.file else ""
        raw = ":raw" if parse_address(self.address).raw else ""
        self._take(f"{self._model.value}{weights}/{self._layer.value}{raw}/{self._channel.value}")

    def _take(self, address: str) -> None:
        try:
            self.address = address
        except InvisError as error:
            self.hint = str(error)
        else:
            self.hint = ""


class OwnUnitChooser(ipw.VBox):
    """The same for units that the user has made: one of them is chosen.

    Attributes:
        address: of the chosen unit.
    """

    address = traitlets.Unicode()
    file = ""
    hint = traitlets.Unicode()

    def __init__(self, units: Units) -> None:
        self._units = units
        self._which = _dropdown(list(units.addresses), "100%")
        super().__init__([named("unit", self._which)])
        self.address = units.addresses[0]
        traitlets.link((self, "address"), (self._which, "value"))

    def wrong(self) -> str:
        """Always "": one of the units is chosen."""
        return ""

    def layers_before(self) -> list[str]:
        """The layers that come before the units'."""
        return _before(layers(self._units.model), self._units.layer.layer.removesuffix(":raw"))

    def opener(self, address: str, device: str | None) -> Callable[[], Units]:
        """What picks the unit, for the worker's thread."""
        chosen = self._units.only([self._units.addresses.index(address)])
        return lambda: chosen if device is None else chosen.to(device)


def offline_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models whose weights are here before the others, otherwise in the catalogue's order."""
    return sorted(rows, key=lambda r: r["source"] == "torchvision" and not r["available_offline"])


def weights_of(model: str) -> list[str]:
    """Names of weights that a model may have, besides files."""
    named = ["none:0", "none:1"]
    if model in EMBEDDED:
        return ["seed1", *named] if shipped(model, "seed1") else named
    return named if model == TRUTH else [*(entry.name for entry in weights_enum(model)), *named]


def _before(known: Sequence[Layer], name: str) -> list[str]:
    names = [one.layer for one in known]
    aliases = [one.alias for one in known]
    return names[: (names if name in names else aliases).index(name)]


def _is_file(weights: str) -> bool:
    return "/" in weights or "\\" in weights or Path(weights).suffix in SUFFIXES


def _dropdown(options: list[str], width: str) -> ipw.Dropdown:
    return ipw.Dropdown(options=options, layout=ipw.Layout(flex=f"1 1 {width}", min_width="0"))


def named(name: str, control: ipw.Widget) -> ipw.VBox:
    """A control with its name above it, which stays whole at every width."""
    flex = control.layout.flex
    control.layout = ipw.Layout(width="auto", min_width="0")
    return ipw.VBox(
        [ipw.HTML(f"<small>{name}</small>"), control],
        layout=ipw.Layout(flex=flex or "0 0 auto", min_width="0"),
    )

"""Controls for the settings of a search, made from what each setting tells of itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import ipywidgets as ipw
import traitlets

from invis.models.devices import available_devices
from invis.search.settings import NAMES, SETTINGS, About, Settings, by_name
from invis.widgets.choose import named

AUTOMATIC = "automatic"
# Numbers of more values than a slider shows are typed.
MOST_STOPS = 1000
TRAITS = {int: traitlets.Int, float: traitlets.Float, str: traitlets.Unicode}


class SettingsControls(ipw.VBox):
    """One trait for every setting, by any of its names, kept equal to its control.

    Attributes:
        device: where to compute; "automatic" chooses. The others as for `Settings`; of those with a
            text of their own "" is the default.
    """

    device = traitlets.Unicode(AUTOMATIC)

    NAMES = (*SETTINGS, "device")

    def __init__(self) -> None:
        self._controls: dict[str, ipw.Widget] = {k: control(v) for k, v in SETTINGS.items()}
        self._controls["device"] = ipw.Dropdown(
            options=[AUTOMATIC, *available_devices()], layout=_flex("1 1 130px")
        )
        labels = {name: about.label for name, about in SETTINGS.items()} | {"device": "device"}
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        main = [name for name, about in SETTINGS.items() if about.main]
        first, more = (
            ipw.HBox([named(labels[k], self._controls[k]) for k in names], layout=row)
            for names in (main, [name for name in self.NAMES if name not in main])
        )
        super().__init__([first, ipw.Accordion([more], titles=("More settings",))])
        self.add_traits(
            **{
                alias: TRAITS[type(value := self._controls[name].value)](value)
                for alias, name in NAMES.items()
            }
        )
        for name in self.NAMES:
            traitlets.link((self, name), (self._controls[name], "value"))
        for alias, name in NAMES.items():
            if alias != name:
                traitlets.link((self, name), (self, alias))

    def values(self) -> dict[str, Any]:
        """The settings as keyword arguments of `search_steps`.

        Raises:
            InvisError: a setting that no search accepts.
        """
        asked = Settings.of(**{name: getattr(self, name) for name in SETTINGS})
        return asdict(asked) | {"device": None if self.device == AUTOMATIC else self.device}

    def take(self, asked: dict[str, Any]) -> None:
        """Set settings by name, as for `Settings.of`, or the device.

        Raises:
            InvisError: a name that is none, or a value that no search accepts.
        """
        asked = dict(asked)
        self.device = asked.pop("device", None) or self.device
        for name, value in by_name(asked).items():
            setattr(self, name, as_typed(SETTINGS[name], value))
        self.values()

    def offer_distances(self, layers: list[str]) -> None:
        """Let images differ in the features of these layers."""
        for name, about in SETTINGS.items():
            if about.other != "LAYER":
                continue
            chosen, options = getattr(self, name), (*about.choices, *layers)
            if self._controls[name].options != options:
                # New options set a dropdown to the first of them.
                self._controls[name].options = options
                setattr(self, name, chosen if chosen in options else about.default)


def control(about: About) -> ipw.Widget:
    """What edits a setting: a list, a slider, or a field."""
    quiet: dict[str, Any] = {"continuous_update": False}
    value = as_typed(about, about.default)
    if about.other == "FILE":
        return ipw.Combobox(
            options=about.choices, value=value, ensure_option=False, layout=_flex("1 1 130px"),
            **quiet,
        )  # fmt: skip
    if about.choices:
        return ipw.Dropdown(options=about.choices, value=value, layout=_flex("1 1 130px"))
    if about.range is None:
        return ipw.Text(value=value, placeholder="as usual", layout=_flex("1 1 130px"), **quiet)
    low, high, step = about.range
    limits = {"min": about.kind(low), "max": about.kind(high), "step": about.kind(step)}
    if (high - low) / step > MOST_STOPS:
        kind = ipw.BoundedIntText if about.kind is int else ipw.BoundedFloatText
        return kind(value=value, layout=_flex("1 1 130px"), **limits, **quiet)
    layout = _flex("2 1 260px" if about.main else "2 1 220px")
    if about.kind is int:
        return ipw.IntSlider(value=value, layout=layout, **limits, **quiet)
    shown = ".0%" if high <= 1 else ".0f"
    return ipw.FloatSlider(value=value, readout_format=shown, layout=layout, **limits, **quiet)


def as_typed(about: About, value: Any) -> Any:
    """A setting's value as its control has it: text where it may be left out."""
    if isinstance(value, tuple):
        return ":".join("" if end is None else f"{end:.12g}" for end in value)
    if about.default is not None:
        return value
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def _flex(flex: str) -> ipw.Layout:
    return ipw.Layout(flex=flex, min_width="0")

"""Controls for the settings of a search."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw
import traitlets

from invis.models.devices import available_devices
from invis.search.settings import DEFAULT_CONTRAST, OBJECTIVES, Settings
from invis.widgets.choose import named

MOST_IMAGES = 32
AUTOMATIC = "automatic"


class SettingsControls(ipw.VBox):
    """One trait for every setting, kept equal to its control.

    Attributes:
        images, activation, contrast, objective, distance, device, seed: as for `search_steps`;
            device "automatic" chooses.
    """

    images = traitlets.Int(8)
    activation = traitlets.Float(0.9)
    contrast = traitlets.Float(DEFAULT_CONTRAST)
    objective = traitlets.Unicode("set")
    distance = traitlets.Unicode("pixels")
    device = traitlets.Unicode(AUTOMATIC)
    seed = traitlets.Int(0)

    NAMES = ("images", "activation", "contrast", "objective", "distance", "device", "seed")

    def __init__(self) -> None:
        self._distance = ipw.Dropdown(options=["pixels"])
        quiet: dict[str, Any] = {"continuous_update": False}
        controls = {
            "activation": ipw.FloatSlider(
                min=0.5, max=0.98, step=0.01, readout_format=".0%", **quiet
            ),
            "images": ipw.IntSlider(min=2, max=MOST_IMAGES, **quiet),
            "contrast": ipw.FloatSlider(min=2, max=64, step=1, readout_format=".0f", **quiet),
            "seed": ipw.BoundedIntText(min=0, max=2**31 - 1, **quiet),
            "distance": self._distance,
            "objective": ipw.Dropdown(options=list(OBJECTIVES)),
            "device": ipw.Dropdown(options=[AUTOMATIC, *available_devices()]),
        }
        names = {
            "activation": "activation every image keeps (alpha)",
            "images": "images in the set (N)",
            "contrast": "RMS contrast, of 255 grey levels",
            "seed": "seed",
            "distance": "images differ in",
            "objective": "objective",
            "device": "device",
        }
        flex = {"activation": "2 1 260px", "images": "2 1 220px", "contrast": "2 1 220px"}
        for name, control in controls.items():
            control.layout = ipw.Layout(flex=flex.get(name, "1 1 130px"), min_width="0")
            control.value = getattr(self, name)
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        first = [named(names[k], controls[k]) for k in ("activation", "images")]
        more = [named(names[k], controls[k]) for k in controls if k not in ("activation", "images")]
        folded = ipw.Accordion([ipw.HBox(more, layout=row)], titles=("More settings",))
        super().__init__([ipw.HBox(first, layout=row), folded])
        for name, control in controls.items():
            traitlets.link((self, name), (control, "value"))

    def values(self) -> dict[str, Any]:
        """The settings as keyword arguments of `search_steps`.

        Raises:
            InvisError: a setting that no search accepts.
        """
        found = {name: getattr(self, name) for name in self.NAMES}
        if found["device"] == AUTOMATIC:
            found["device"] = None
        Settings(**{k: v for k, v in found.items() if k != "device"})
        return found

    def offer_distances(self, layers: list[str]) -> None:
        """Let images differ in the features of these layers."""
        options = ("pixels", *layers)
        if self._distance.options == options:
            return
        chosen = self.distance if self.distance in options else "pixels"
        # New options set a dropdown to the first of them.
        self._distance.options = options
        self.distance = chosen

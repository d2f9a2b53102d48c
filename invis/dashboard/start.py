"""The first page: what Invis shows, in three pictures, for someone who has never heard of it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import panel as pn
import plotly.graph_objects as go

from invis.dashboard.page import Page, figure_pane, sentence
from invis.dashboard.store import Store
from invis.errors import InvisError
from invis.trajectory import compare, kept_gram, pca
from invis.views.trajectory.projections import projections_figure

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]


class StartPage(Page):
    """Three pictures: a set, the layers of a network, a trajectory."""

    slug: ClassVar[str] = ""

    def __init__(self, store: Store, prefix: str = "", dark: bool = False) -> None:
        super().__init__(dark)
        self._store, self._theme = store, "?theme=dark" if dark else ""
        self._prefix = prefix

    def view(self) -> pn.viewable.Viewable:
        parts: list[pn.viewable.Viewable] = [
            self._text(
                "<h1>What does a neural network ignore?</h1>"
                '<p class="lead">Show a unit of a network one image that it loves, and you learn '
                "what it looks for. Show a <i>set</i> of images that it loves equally, as "
                "different from each other as possible, and you also learn what it does not care "
                "about.</p>"
            )
        ]
        for make in (self._set, self._layers, self._trajectory):
            try:
                parts += make()
            except InvisError as error:
                parts.append(sentence(error))
        return pn.Column(*parts, sizing_mode="stretch_width")

    def _set(self) -> list[pn.viewable.Viewable]:
        """The unit of the highest index in a middle layer of the first network."""
        model = self._store.models[-1] if self._store.models else ""
        layers = self._store.layers(model)
        if not layers:
            raise InvisError("the atlas has no layer yet: `invis sweep` fills it")
        name = "conv2_2" if "conv2_2" in layers else layers[len(layers) // 2]
        layer = self._store.layer(model, name, self._store.groups(model)[0])
        if layer is None or not layer.done():
            raise InvisError("the atlas has no finished unit yet: `invis sweep` fills it")
        channel = 31 if 31 in layer.done() and name == "conv2_2" else min(layer.done())
        ds = self._store.read(layer, channel)
        figure = self._store.set_figure(layer, channel, self.dark)
        return [
            self._text(
                f"<h2>1. One unit, many images</h2><p>Unit {channel} of {name} in {model}. The "
                "first image excites it most. Each of the others keeps at least "
                f"{100 * float(ds.attrs['alpha']):.0f} % of that. What they share is what the unit "
                "looks for; what varies is what it ignores.</p>"
            ),
            figure_pane(figure),
        ]

    def _layers(self) -> list[pn.viewable.Viewable]:
        if not self._store.models:
            return []
        model = self._store.models[-1]
        figure = self._store.layers_figure(model, "", self.dark)
        if figure is None:
            return []
        return [
            self._text(
                "<h2>2. All units, against the dullest</h2><p>A linear unit has one filter, and "
                "what it ignores can be calculated: the line at 1. Each dot is a unit. From layer "
                "to layer the network ignores more; and so does the same network before any "
                f'training. <a href="{self._prefix}/atlas{self._theme}">Browse all units</a></p>'
            ),
            figure_pane(figure),
        ]

    def _trajectory(self) -> list[pn.viewable.Viewable]:
        figure = self._store.figure(("start", self.dark), self._components)
        return [
            self._text(
                "<h2>3. A training, against chance</h2><p>The way of a training through the space "
                "of its parameters, in its principal components. The arcs look like meaning. The "
                "line behind is a random walk. "
                f'<a href="{self._prefix}/trajectories{self._theme}">See the trainings</a></p>'
            ),
            figure_pane(figure),
        ]

    def _text(self, html: str) -> pn.pane.HTML:
        return pn.pane.HTML(html, stylesheets=CSS, sizing_mode="stretch_width")

    def _components(self) -> go.Figure:
        products = kept_gram("minivgg")
        assert products is not None
        found = pca(products)
        return projections_figure(found, compare(found).fits["walk"].null, 3, self.dark)

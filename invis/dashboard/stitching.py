"""The page of stitching: the digits study that ships, its matrix and its pictures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from invis.dashboard.page import Figures, Page, controls
from invis.stitching.forgiveness import TRANSFORMATIONS
from invis.stitching.kept import shipped_study
from invis.stitching.networks import DEFAULT
from invis.stitching.study import Study
from invis.views.stitching.forgives import forgives_figure
from invis.views.stitching.points import points_figure
from invis.views.stitching.reconstructions import reconstructions_figure
from invis.views.stitching.scores import matrix_figure, methods_figure

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
PANELS = ("Matrix", "Methods", "Pictures", "Points", "Forgives")
POINTS = 500
# Read once for all visitors.
study = cache(shipped_study)


class StitchingPage(Page):
    """Attributes:
    panel: what is shown.
    encoder, decoder: the pair of Pictures and Points.
    transformation, strength: of Forgives, strength in per cent.
    """

    slug: ClassVar[str] = "stitching"
    linked: ClassVar = ("panel", "encoder", "decoder", "transformation", "strength")

    panel: Any = param.Selector(objects=list(PANELS))
    encoder: Any = param.Selector(default=DEFAULT[0], objects=list(DEFAULT))
    decoder: Any = param.Selector(default=DEFAULT[1], objects=list(DEFAULT))
    transformation: Any = param.Selector(objects=list(TRANSFORMATIONS))
    strength = param.Integer(default=50, bounds=(0, 100))

    def __init__(self, dark: bool = False) -> None:
        super().__init__(dark)
        self._figures = Figures()
        self.param.watch(lambda _: self.show(), list(self.linked))

    def view(self) -> pn.viewable.Viewable:
        text = (
            "<h1>Networks that were trained apart</h1><p>Six encoders of handwritten digits; for "
            "each, a decoder that names the digit. Every decoder reads every encoder: by absolute "
            "coordinates that is noise, by similarities to shared anchors it works. The nulls say "
            "how much of that means anything. <code>invis stitch</code> computes such a study of "
            "your own encoders and images.</p>"
        )
        self.show()
        return pn.Column(
            pn.pane.HTML(text, stylesheets=CSS, sizing_mode="stretch_width"),
            controls(self, self.linked),
            self._figures,
            sizing_mode="stretch_width",
        )

    def show(self) -> None:
        """Draw the panel."""
        self._figures.draw([self._figure(study())])

    def _figure(self, study: Study) -> Any:
        first, pictured = study.results[0], study.results[-1]
        if self.panel == "Matrix":
            return matrix_figure(first, dark=self.dark)
        if self.panel == "Methods":
            return methods_figure(first, self.dark)
        if self.panel == "Pictures":
            return reconstructions_figure(pictured, self.encoder, self.decoder, dark=self.dark)
        if self.panel == "Forgives":
            place = study.latents.names.index(self.encoder)
            points = study.latents.test[0][place][:POINTS]
            return forgives_figure(
                points, study.anchors(place), self.transformation,
                strength=self.strength / 100, dark=self.dark,
            )  # fmt: skip
        before, after = study.pair(self.encoder, self.decoder, POINTS)
        labels, classes = study.data.test_labels[:POINTS], study.data.classes
        return points_figure(
            before, after, labels, classes, (self.encoder, self.decoder), self.dark
        )

"""One unit: its set, what it ignores, a morph, where it comes from, and files to take away."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import plotly.graph_objects as go
import xarray as xr

from invis.dashboard.background import Background
from invis.dashboard.cards import facts
from invis.dashboard.page import Figures, figure_pane
from invis.files.saved import to_bytes
from invis.jobs import Job, State
from invis.models.unit import units_at
from invis.probe.exemplars import ExemplarSnapshot, exemplars_steps
from invis.probe.explain.explanation import explain_steps
from invis.probe.probe import probe_steps
from invis.search.again import settings_of
from invis.search.morph import morph_steps
from invis.views.atlas import layer_table
from invis.views.base import words
from invis.views.probe.curves import probe_figures
from invis.views.probe.exemplars_figure import exemplars_figure
from invis.views.probe.explanation import explanation_figures
from invis.views.search.morph_figure import morph_figure
from invis.views.search.png import set_png
from invis.widgets.code import search_code

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
SECONDS = 60.0
CROPS = " <b>Exemplars</b> are the crops of real pictures that excite it most."
PROVENANCE = (
    "model", "weights", "weights_hash", "layer", "channel", "receptive_field", "images", "alpha",
    "metric", "contrast", "pixel_contrast", "band_low", "band_high", "objective",
    "distance_space", "seed", "batch", "steps", "threads", "device", "invis_version",
    "torch_version",
)  # fmt: skip


class UnitView:
    """A unit's page; `close` cancels what runs for it.

    Args:
        ds: its result.
        figure: its set.
        note: its probe as the atlas keeps it; None where there is none.
        live: whether probes and morphs may be computed.
        dark: the scheme.
        images: the owner's folder of pictures for exemplars; None for none.
        profile: as the atlas keeps it; None where there is none.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        figure: go.Figure,
        note: dict[str, Any] | None,
        live: bool,
        dark: bool,
        images: Path | None = None,
        profile: dict[str, Any] | None = None,
    ) -> None:
        self._ds, self._dark, self._images = ds, dark, images
        self._more = {name: Figures() for name in ("varies", "probes", "morph", "exemplars")}
        alive = not ds.attrs["dead"]
        told = [layer_table.told(str(ds.attrs["weights"])), *words.settings(ds)]
        asked = ", ".join(filter(None, [*told, words.contrast_found(ds.attrs)]))
        sentence = (note or {}).get("sentence")
        said = f"<p><b>{escape(str(sentence))}</b></p>" if sentence else ""
        stays = words.tolerance(profile or {})
        said += f"<p>{escape(stays)}</p>" if stays else ""
        parts: list[Any] = [
            pn.pane.HTML(
                f"<h1>{escape(words.title(ds))}</h1>"
                f"<p>{escape(asked)}</p>"
                f'<p class="lead">{escape(words.verdict(ds))}</p>{said}',
                stylesheets=CSS,
                sizing_mode="stretch_width",
            ),
            figure_pane(figure),
        ]
        self._jobs: list[Background] = []
        if live and alive and ds.attrs["model"] in _EMBEDDED:
            self._varies = Background("Explain", lambda: self._explain, self._explained, SECONDS)
            self._probes = Background("Probe", lambda: self._probe, self._probed, SECONDS)
            self._morph = Background("Morph", lambda: self._walk, self._walked, SECONDS)
            self._jobs = [self._varies, self._probes, self._morph]
            if images is not None:
                self._crops = Background("Exemplars", lambda: self._look, self._looked, SECONDS)
                self._jobs.append(self._crops)
            parts += [
                pn.pane.HTML(
                    "<h2>Look closer</h2><p><b>Explain</b> says what varies in the set and tests "
                    "the sentence. <b>Probe</b> measures what the unit ignores one transformation "
                    "at a time, beside a linear unit. <b>Morph</b> finds a path from one image of "
                    "the set to another along which the unit stays excited."
                    f"{CROPS if images is not None else ''}</p>",
                    stylesheets=CSS,
                ),
                *self._jobs,
            ]
        parts += [*self._more.values(), *self._files(), self._provenance()]
        self.view = pn.Column(*parts, sizing_mode="stretch_width")

    def close(self) -> None:
        """Cancel what runs for this unit."""
        for job in self._jobs:
            job.cancel()

    def _explain(self) -> Iterable[Any]:
        return explain_steps(self._ds, photographs=False)

    def _explained(self, job: Job[Any]) -> None:
        found = job.finished
        if job.state is State.DONE and found:
            self._varies.say(found[0].sentence)
            self._more["varies"].draw(explanation_figures(found[0], self._dark))
        else:
            self._varies.say(_state(job))

    def _probe(self) -> Iterable[Any]:
        return probe_steps(self._ds)

    def _walk(self) -> Iterable[Any]:
        return morph_steps(self._ds)

    def _probed(self, job: Job[Any]) -> None:
        found = job.finished
        if job.state is State.DONE and found:
            figures = probe_figures(found[0], self._dark)
            self._probes.say(found[0].sentence)
            self._more["probes"].draw(figures)
        else:
            self._probes.say(_state(job))

    def _walked(self, job: Job[Any]) -> None:
        if job.state is State.DONE and job.finished:
            self._more["morph"].draw([morph_figure(job.finished[0], self._dark)])
        self._morph.say(_state(job))

    def _look(self) -> Iterator[ExemplarSnapshot]:
        """The strongest crops so far, about once a second."""
        assert self._images is not None
        shown, last = 0.0, list[xr.Dataset]()
        for snapshot in exemplars_steps(
            units_at(str(self._ds.attrs["address"])), self._images, results=[self._ds]
        ):
            if time.monotonic() - shown > 1 and not snapshot.finished:
                last, shown = snapshot.current(), time.monotonic()
            yield replace(snapshot, finished=snapshot.finished or last)

    def _looked(self, job: Job[ExemplarSnapshot]) -> None:
        found = job.finished
        if found and found[0].sizes["exemplar"]:
            self._more["exemplars"].draw([exemplars_figure(found[0], self._ds, self._dark)])
        self._crops.say(_state(job))

    def _files(self) -> list[Any]:
        name = str(self._ds.attrs["address"]).replace("/", "-")
        picture = pn.widgets.FileDownload(
            callback=lambda: io.BytesIO(set_png(self._ds)), filename=f"{name}.png",
            label="PNG", width=120,
        )  # fmt: skip
        result = pn.widgets.FileDownload(
            callback=lambda: io.BytesIO(to_bytes(self._ds)), filename=f"{name}.nc",
            label="Result (netCDF)", width=170,
        )  # fmt: skip
        code = search_code(str(self._ds.attrs["address"]), vars(settings_of(self._ds)))
        return [
            pn.pane.HTML("<h2>Take it away</h2>", stylesheets=CSS),
            pn.Row(picture, result),
            pn.pane.Markdown(f"```python\n{code}\n```", sizing_mode="stretch_width"),
        ]

    def _provenance(self) -> pn.viewable.Viewable:
        attrs = self._ds.attrs
        pairs = {key.replace("_", " "): _short(attrs.get(key)) for key in PROVENANCE}
        return pn.pane.HTML(
            f"<h2>Where it comes from</h2>{facts(pairs)}",
            stylesheets=CSS,
            sizing_mode="stretch_width",
        )


# Weights that every copy of Invis has: only these are loaded for a visitor.
_EMBEDDED = ("minivgg", "miniresnet", "truth")


def _state(job: Job[Any]) -> str:
    if job.state is State.FAILED:
        return job.error
    if job.state is State.CANCELLED:
        return "Stopped."
    if job.state is State.DONE:
        return f"Done in {job.seconds:.1f} s."
    return job.summary or "Working."


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value

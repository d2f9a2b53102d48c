"""The application: its pages, and the frame that every page has around it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
from bokeh.models import CustomJS

from invis.dashboard.address import Address
from invis.dashboard.journal import broken, event
from invis.dashboard.page import TITLES, Page, menu

if TYPE_CHECKING:
    from invis.dashboard.store import Store

# A websocket opens once: what a lost one showed is asked for again, by its URL.
LOST = """
const bar = document.querySelector('.invis-lost');
if (bar) bar.hidden = false;
"""

TEMPLATE = """
{% extends base %}
{# Eight megabytes of scripts come after what can be read without them. #}
{% block js_resources %}{% endblock %}
{% block title %}{{ title }}{% endblock %}
{% block postamble %}<style>{{ css }}</style>
<script nonce="{{ nonce }}">document.documentElement.dataset.theme = '{{ scheme }}';</script>
{% endblock %}
{% block inner_body %}
<header class="invis-top"><a class="brand" href="{{ prefix }}/{{ theme }}">Invis</a>
<nav>{{ menu }}</nav><a class="theme" href="#">{{ 'Light' if scheme == 'dark' else 'Dark' }}</a>
</header>
<p class="invis-lost" role="alert" hidden>The connection to the server was lost.
<a href="">Open this page again</a></p>
<main class="invis-main">{{ embed(roots.main) }}<div class="first">{{ first }}</div></main>
{{ embed(roots.address) }}
{# Only scripts that were written here run: each of them carries the nonce of this answer. #}
{{ bokeh_js | replace('<script', '<script nonce="' ~ nonce ~ '"') }}
<script nonce="{{ nonce }}">
document.querySelector('.theme').addEventListener('click', event => {
  event.preventDefault();
  const to = new window.URL(window.location);
  to.searchParams.set('theme', '{{ scheme }}' === 'dark' ? 'default' : 'dark');
  window.location = to;
});
document.querySelector('.invis-lost a').addEventListener('click', event => {
  event.preventDefault();
  window.location.reload();
});
// Panel resizes figures that are hidden before they were drawn, on which Plotly throws.
if (window.Plotly) {
  const relayout = window.Plotly.relayout;
  window.Plotly.relayout = (plot, ...more) =>
    plot._fullLayout ? relayout(plot, ...more) : Promise.resolve(plot);
}</script>
{{ plot_script | replace('<script', '<script nonce="' ~ nonce ~ '"') }}
{% endblock %}
"""


@dataclass(frozen=True)
class Options:
    """What the owner of a server decides.

    Attributes:
        store: the atlas.
        live: whether visitors may compute.
        runs: folder of recordings for the page of trajectories.
        prefix: of all URLs, where a proxy adds one.
        images: folder of pictures whose crops visitors may see as exemplars.
    """

    store: Store
    live: bool = True
    runs: Path | None = None
    prefix: str = ""
    images: Path | None = None


def pages(options: Options) -> dict[str, Callable[[bool], Page]]:
    """Slug -> how a page is made for a visitor, who may want it dark.

    Each page is imported when it is first made: the start needs no torch, and is there at once.
    """
    store, live = options.store, options.live

    def start(dark: bool) -> Page:
        from invis.dashboard.start import StartPage

        return StartPage(store, options.prefix, dark)

    def atlas(dark: bool) -> Page:
        from invis.dashboard.atlas import AtlasPage

        return AtlasPage(store, live, dark, options.images)

    def search(dark: bool) -> Page:
        from invis.dashboard.search import SearchPage

        return SearchPage(dark)

    def trajectories(dark: bool) -> Page:
        from invis.dashboard.trajectories import TrajectoriesPage

        return TrajectoriesPage(options.runs, live, dark)

    def stitching(dark: bool) -> Page:
        from invis.dashboard.stitching import StitchingPage

        return StitchingPage(dark)

    found = {
        "": start, "atlas": atlas, "live": search, "trajectories": trajectories,
        "stitching": stitching,
    }  # fmt: skip
    return {slug: make for slug, make in found.items() if live or slug != "live"}


def application(options: Options) -> dict[str, Callable[[], Any]]:
    """URL path -> what Panel calls for each visitor."""
    known = pages(options)
    titles = {slug: TITLES[slug] for slug in known}
    return {path_of(slug): _visit(slug, make, titles, options) for slug, make in known.items()}


def path_of(slug: str) -> str:
    """Where a page is, before any prefix."""
    return f"/{slug}"


def _visit(
    slug: str, make: Callable[[bool], Page], titles: dict[str, str], options: Options
) -> Callable[[], Any]:
    css = (Path(__file__).parent / "dashboard.css").read_text(encoding="utf-8")

    def show() -> pn.Template:
        dark = pn.config.theme == "dark"
        page, address = make(dark), Address()
        doc: Any = pn.state.curdoc
        pn.state.on_session_destroyed(lambda _: _leave(page, slug))
        asked = doc.session_context.request.query
        page.follow(address, f"?{asked}" if asked else "")
        template = pn.Template(TEMPLATE)
        template.add_panel("main", page.view())
        template.add_panel("address", address)
        told = {
            "title": f"{page.title} · Invis",
            "css": css,
            "scheme": "dark" if dark else "light",
            "theme": "?theme=dark" if dark else "",
            "prefix": options.prefix,
            "first": page.first(),
            "menu": menu(titles, slug, dark, options.prefix),
        }
        for name, value in told.items():
            template.add_variable(name, value)
        doc.config.reconnect_session = doc.config.notify_connection_status = False
        doc.js_on_event("connection_lost", CustomJS(code=LOST))
        return template

    def visit() -> Any:
        began = time.perf_counter()
        try:
            template = show()
        except Exception as error:
            # Panel's answer would be a page with the traceback; see `PageHandler`.
            broken(error)
            doc: Any = pn.state.curdoc
            doc.template_variables["failed"] = True
            return pn.Column()
        event("visit", page=slug or "start", seconds=round(time.perf_counter() - began, 3))
        return template

    return visit


def _leave(page: Page, slug: str) -> None:
    page.close()
    event("leave", page=slug or "start")

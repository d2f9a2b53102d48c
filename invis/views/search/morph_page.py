"""A morph on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

from xarray import Dataset

from invis.views.base.page import figures_html
from invis.views.search.morph_figure import morph_figure


def morph_html(found: Dataset) -> str:
    """The page."""
    light, dark = ([morph_figure(found, scheme)] for scheme in (False, True))
    return figures_html(light, dark, f"A morph of {found.attrs['address']}")

"""Exemplars of one unit or many on one page that needs no network."""

from __future__ import annotations

from collections.abc import Sequence

from xarray import Dataset

from invis.views.base.page import figures_html
from invis.views.probe.exemplars_figure import exemplars_figure


def exemplars_html(found: Sequence[Dataset], sets: Sequence[Dataset]) -> str:
    """The page: a figure for each unit that has exemplars."""
    pairs = [(one, ds) for one, ds in zip(found, sets, strict=True) if one.sizes["exemplar"]]
    light, dark = (
        [exemplars_figure(one, ds, scheme) for one, ds in pairs] for scheme in (False, True)
    )
    title = f"Exemplars of {', '.join(str(one.attrs['address']) for one, _ in pairs[:3])}"
    return figures_html(light, dark, title + (" and others" if len(pairs) > 3 else ""))

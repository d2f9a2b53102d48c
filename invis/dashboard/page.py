"""What every page of the dashboard has: a place in the menu, a URL for each state, a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

import panel as pn
import param

from invis.errors import InvisError

# A URL longer than this is none of ours.
LONGEST = 2000
CONFIG = {"displayModeBar": False, "responsive": True}
SIZES = {"width": 190, "margin": (4, 14, 4, 0)}


class Page(param.Parameterized):
    """A page: parameters that its URL tells, and a view that is built once.

    A subclass sets `slug` and `title`, names the parameters of its URL in `linked`, and gives a
    view. All its URL parameters are Selectors, Integers or Booleans with bounds: what a URL asks
    for is taken only where it is one of the values that there are.
    """

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    linked: ClassVar[Sequence[str]] = ()

    def __init__(self, dark: bool = False, **params: Any) -> None:
        self.dark = dark
        super().__init__(**params)

    def view(self) -> pn.viewable.Viewable:
        """What the page shows."""
        raise NotImplementedError

    def first(self) -> str:
        """HTML that stands where the view will be until the browser has loaded its scripts."""
        return f"<h1>{escape(self.title)}</h1>"

    def close(self) -> None:
        """The visitor is gone: cancel what runs for this page."""

    def read_url(self, search: str) -> None:
        """Take the parameters that a URL's query names, where they are possible."""
        if len(search) > LONGEST:
            return
        asked = {key: values[-1] for key, values in parse_qs(search.lstrip("?")).items()}
        # In the order of `linked`: what a layer can be depends on the model.
        for name in self.linked:
            if name in asked:
                value = possible(self.param[name], asked[name])
                if value is not None:
                    setattr(self, name, value)

    def query(self) -> str:
        """The query of the URL that shows this state again."""
        told: dict[str, str] = {}
        for name in self.linked:
            value = getattr(self, name)
            if value not in (None, "", self.param[name].default):
                told[name] = str(int(value) if isinstance(value, bool) else value)
        if self.dark:
            told["theme"] = "dark"
        return f"?{urlencode(told)}" if told else ""

    def follow_url(self) -> None:
        """Read the state from the visitor's URL now, and keep the URL telling it."""
        location = pn.state.location
        if location is None:
            return
        self.read_url(location.search or "")

        def tell(*_: Any) -> None:
            location.search = self.query()

        self.param.watch(tell, list(self.linked))


def controls(page: Page, names: Sequence[str], **widgets: Any) -> pn.FlexBox:
    """The widgets of some parameters side by side; `widgets` names the kind where it matters."""
    found = pn.Param(
        page.param, parameters=list(names), show_name=False, widgets={
            name: {"type": widgets[name], **SIZES} if name in widgets else SIZES for name in names
        },
    )  # fmt: skip
    row: Any = found.layout
    return pn.FlexBox(*row, sizing_mode="stretch_width", margin=(6, 0))


def possible(parameter: param.Parameter, text: str) -> Any:
    """The value that a text of a URL means for a parameter; None where it means none."""
    if isinstance(parameter, param.Selector):
        names = {str(value): value for value in parameter.objects}
        return names.get(text)
    if isinstance(parameter, param.String):
        return text
    if isinstance(parameter, param.Boolean):
        return {"1": True, "0": False}.get(text)
    if isinstance(parameter, param.Integer):
        if not (text.removeprefix("-").isdecimal() and len(text) < 8):
            return None
        low, high = parameter.bounds or (None, None)
        value = int(text)
        inside = (low is None or value >= low) and (high is None or value <= high)
        return value if inside else None
    return None


def sentence(error: InvisError | str, wrong: bool = True) -> pn.pane.HTML:
    """One sentence where a picture would be."""
    kind = "wrong" if wrong else "told"
    return pn.pane.HTML(
        f'<p class="{kind}" role="{"alert" if wrong else "status"}">{escape(str(error))}</p>',
        sizing_mode="stretch_width",
    )


def figure_pane(figure: Any = None, **how: Any) -> pn.pane.Plotly:
    """A pane of a Plotly figure, which visitors may share: the pane leaves no mark on it."""
    return pn.pane.Plotly(
        figure, config=CONFIG, link_figure=False, sizing_mode="stretch_width", **how
    )


class Figures(pn.Column):
    """Plotly figures one below the other, drawn into panes that stay.

    Panel lets a pane that was taken away be drawn once more, which fails in the visitor's console.
    """

    def __init__(self) -> None:
        super().__init__(sizing_mode="stretch_width")

    def draw(self, figures: Sequence[Any]) -> None:
        """Show these figures and no others."""
        for _ in range(len(self), len(figures)):
            self.append(figure_pane())
        pane: Any
        for k, pane in enumerate(self):
            pane.visible = k < len(figures)
            if pane.visible:
                pane.object = figures[k]


def menu(pages: Mapping[str, str], here: str, dark: bool, prefix: str) -> str:
    """The links of the header; `pages` is slug -> title."""
    theme = "?theme=dark" if dark else ""
    items = [
        f'<a href="{prefix}/{slug}{theme}"{" aria-current=page" if slug == here else ""}>'
        f"{escape(title)}</a>"
        for slug, title in pages.items()
    ]
    return "".join(items)

"""What every page of the dashboard has: a place in the menu, a URL for each state, a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlencode

import panel as pn
import param

from invis.dashboard.number import NumberField
from invis.errors import InvisError

if TYPE_CHECKING:
    from invis.dashboard.address import Address

# What each page is called in the menu, by the end of its URL; the first is the start.
TITLES = {
    "": "Start",
    "atlas": "Atlas",
    "live": "Live search",
    "trajectories": "Trajectories",
    "stitching": "Stitching",
}
# A URL longer than this is none of ours.
LONGEST = 2000
CONFIG = {"displayModeBar": False, "responsive": True}
SIZES = {"width": 190, "margin": (4, 14, 4, 0)}


class Page(param.Parameterized):
    """A page: parameters that its URL tells, and a view that is built once.

    A subclass sets `slug`, one of TITLES, names the parameters of its URL in `linked`, and gives a
    view. All its URL parameters are Selectors, Integers or Booleans with bounds: what a URL asks
    for is taken only where it is one of the values that there are.
    """

    slug: ClassVar[str] = ""
    linked: ClassVar[Sequence[str]] = ()

    def __init__(self, dark: bool = False, **params: Any) -> None:
        self.dark = dark
        super().__init__(**params)

    @property
    def title(self) -> str:
        """What the menu calls it."""
        return TITLES[self.slug]

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

    def follow(self, address: Address, search: str) -> None:
        """Take the state from a URL's query now, keep the URL telling it, and heed Back.

        Args:
            address: the address bar of the visitor.
            search: the query of the URL that was opened.
        """
        first = {name: getattr(self, name) for name in self.linked}
        self.read_url(search)
        heeding = False

        def tell(*_: Any) -> None:
            if not heeding:
                address.search = self.query()

        def heed(*_: Any) -> None:
            nonlocal heeding
            if address.search == self.query():
                return
            heeding = True
            try:
                # What the address does not name is as it was at first.
                asked = parse_qs(address.search[1:LONGEST])
                for name in self.linked:
                    if name not in asked and first[name] in choices(self.param[name], first[name]):
                        setattr(self, name, first[name])
                self.read_url(address.search)
            finally:
                heeding = False

        address.search = search
        self.param.watch(tell, list(self.linked))
        address.param.watch(heed, "search")


def controls(page: Page, names: Sequence[str], **widgets: Any) -> pn.FlexBox:
    """The widgets of some parameters side by side; `widgets` names the kind where it matters."""
    plain = [name for name in names if widgets.get(name) is not NumberField]
    found = pn.Param(
        page.param, parameters=plain, show_name=False, widgets={
            name: {"type": widgets[name], **SIZES} if name in widgets else SIZES for name in plain
        },
    )  # fmt: skip
    row: Any = found.layout
    fields = dict(zip(plain, row, strict=True))
    fields |= {name: NumberField(page, name, **SIZES) for name in names if name not in fields}
    return pn.FlexBox(*(fields[name] for name in names), sizing_mode="stretch_width", margin=(6, 0))


def choices(parameter: param.Parameter, value: Any) -> Sequence[Any]:
    """What a parameter may be now; the value itself where anything may be."""
    return list(parameter.objects) if isinstance(parameter, param.Selector) else [value]


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
        pane: Any
        for pane, figure in zip(self, figures, strict=False):
            pane.visible = True
            pane.object = figure
        for pane in self.objects[len(figures) :]:
            pane.visible = False
        for figure in figures[len(self) :]:
            self.append(figure_pane(figure))


def menu(pages: Mapping[str, str], here: str, dark: bool, prefix: str) -> str:
    """The links of the header; `pages` is slug -> title."""
    theme = "?theme=dark" if dark else ""
    items = [
        f'<a href="{prefix}/{slug}{theme}"{" aria-current=page" if slug == here else ""}>'
        f"{escape(title)}</a>"
        for slug, title in pages.items()
    ]
    return "".join(items)

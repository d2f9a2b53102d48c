"""The widget that searches: pick a unit, press Search, watch the set grow."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import traitlets
from xarray import Dataset

from invis.errors import InvisError
from invis.files.saved import save
from invis.jobs import Job, State
from invis.models.unit import Units
from invis.search.live import Glimpse, LiveSearch
from invis.widgets.choose import OwnUnitChooser, UnitChooser, named
from invis.widgets.code import search_code
from invis.widgets.detail import Detail
from invis.widgets.explorer import Explorer, time_left
from invis.widgets.history import History
from invis.widgets.lifetime import replace_earlier
from invis.widgets.settings import SettingsControls
from invis.widgets.stage import Stage

DEFAULT = "minivgg/conv2_2/3"


class SearchExplorer(Explorer):
    """Search invariant sets of one unit after the other.

    Every control is also a trait of `chooser` or `settings`, and every button a method, so that the
    explorer can be driven from code.

    Attributes:
        address: of the chosen unit.
        settings: a control for each of `Settings` and for the `device`.
        history: the searches that ended; `history.results` are their data sets.
        result: the newest of them, or None.
        follow: whether a changed setting starts a new search.
        dark: whether the figures are dark; as the page is, until someone chooses.
    """

    address = traitlets.Unicode()
    result = traitlets.Any(None, allow_none=True)
    follow = traitlets.Bool(False)
    dark = traitlets.Bool(False)

    chooser: UnitChooser | OwnUnitChooser

    def __init__(
        self, unit: str | Units = DEFAULT, dark: bool | None = None, **settings: Any
    ) -> None:
        """`unit` is an address, or units of the user's own network; `settings` as for a search.

        Raises:
            InvisError: there is no such unit, or a setting is out of range.
        """
        super().__init__()
        self.chooser = UnitChooser(unit) if isinstance(unit, str) else OwnUnitChooser(unit)
        self.settings = SettingsControls()
        self._own = not isinstance(unit, str)
        self._live: LiveSearch | None = None
        self._stopping: list[tuple[Job[Glimpse], LiveSearch]] = []
        self._asked: tuple[str, dict[str, Any]] = ("", {})
        self.stage = Stage(dark, self._open_tile)
        self._figures = [self.stage]
        self.detail = Detail()
        self.history = History(self.stage.show_courses)
        self._path, self._proposed = ipw.Text(placeholder="name.nc"), ""
        self._make_controls()
        self.children = self._arrange()
        traitlets.dlink((self.stage.screen, "dark"), (self, "dark"))
        traitlets.link((self.chooser, "address"), (self, "address"))
        traitlets.link((self, "follow"), (self._follow, "value"))
        traitlets.link((self, "dark"), (self._dark, "value"))
        self.settings.offer_distances(self.chooser.layers_before())
        self.settings.take(settings)
        self.chooser.observe(self._changed, ["address", "file"])
        self.settings.observe(self._changed, list(self.settings.NAMES))
        self.chooser.observe(lambda change: self._say(change["new"]), "hint")
        self._changed(None)
        self._say("Press Search.")
        replace_earlier(self)

    def __repr__(self) -> str:
        return f"SearchExplorer({self.address!r})"

    # What the buttons do

    def search(self) -> Job[Glimpse] | None:
        """Start a search of the chosen unit; one that runs is stopped and kept.

        Returns None, with the reason in `message`, where no unit is named or the settings allow no
        search.
        """
        wrong = self.chooser.wrong()
        if wrong:
            self._say(wrong, wrong=True)
            return None
        self.stop()
        self._gather()
        if self._job is not None and self._live is not None:
            self._stopping.append((self._job, self._live))
            self._job = self._live = None
        try:
            settings = self.settings.values()
        except InvisError as error:
            self._say(str(error), wrong=True)
            return None
        device = settings["device"]
        live = LiveSearch(self.chooser.opener(self.address, device), **settings)
        self._live, self._asked = live, (self.address, settings)
        return self._start(device, live.steps, self.address)

    def stop(self) -> None:
        """Stop the search; what it found so far is measured and shown."""
        super().stop()
        if self._job is not None and self._job.cancelling:
            self._say("Stopping: the set is measured as it stands.")

    def wait(self, timeout: float | None = None) -> Dataset | None:
        """Block until the search has ended, show what it found, and return that."""
        if self._job is not None and self._job.wait(timeout):
            self._gather()
        return self.result

    # The running search

    def _show_news(self, job: Job[Glimpse]) -> None:
        if job.ended:
            return
        if job.latest is None:
            self._say("Loading the model…")
            return
        seen = job.latest
        self._say(f"{seen.summary[:1].upper()}{seen.summary[1:]}{time_left(job)}.")
        if seen.previews:
            (preview,) = seen.previews
            alpha = self._asked[1]["alpha"]
            self.stage.show_preview(preview, alpha, self._asked[0], "Searching…")

    def _gather(self) -> None:
        """Take what ended searches left; called once for each."""
        for pair in [pair for pair in self._stopping if pair[0].ended]:
            self._stopping.remove(pair)
            for ds in pair[1].results:
                self.history.add(ds)
        job, live = self._job, self._live
        if job is None or live is None or not job.ended:
            return
        self._job = self._live = None
        self._stop.disabled = True
        self._progress.value = job.fraction_done
        for ds in live.results:
            self.show(ds)
        if job.state is State.FAILED:
            self._say(job.error, wrong=True)
        elif job.state is State.CANCELLED:
            kept = "the set is shown as it stood" if live.results else "there was no set yet"
            self._say(f"Stopped after {job.seconds:.1f} s; {kept}.")
        else:
            self._say(f"Done in {job.seconds:.1f} s.")

    def show(self, ds: Dataset) -> None:
        """Show a result and add it to the history."""
        self.result = ds
        self.stage.show_result(ds)
        self.detail.show(ds)
        self.history.add(ds)
        if not self._path.value or self._path.value == self._proposed:
            self._proposed = self._path.value = _file_name(ds)

    # Controls

    def _make_controls(self) -> None:
        button = ipw.Layout(width="120px")
        self._follow = ipw.ToggleButton(
            description="Follow", icon="refresh", layout=ipw.Layout(width="100px"),
            tooltip="Search again whenever the unit or a setting changes",
        )  # fmt: skip
        self._dark = ipw.ToggleButton(
            description="Dark", icon="adjust", layout=ipw.Layout(width="90px")
        )
        self._code = ipw.Textarea(
            layout=ipw.Layout(width="100%", height="130px"), rows=5, disabled=False
        )
        self._path.layout = ipw.Layout(flex="1 1 240px", min_width="0")
        self._save = ipw.Button(description="Save", icon="save", layout=button)
        self._saved = ipw.HTML()
        self._save.on_click(lambda _: self.save())
        self.observe(self._restyle, "dark")

    def _arrange(self) -> list[ipw.Widget]:
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 8px", width="100%")
        buttons = [self._search, self._stop, self._progress, self._follow, self._dark]
        saving = ipw.VBox(
            [ipw.HBox([named("file", self._path), self._save], layout=row), self._saved]
        )
        tabs = ipw.Tab(
            [self.stage.course_box, self.detail, self.history, self._code, saving],
            titles=("Course", "Image", "Compare", "Code", "Save"),
        )
        self._tabs = tabs
        return [
            self.chooser, self.settings, ipw.HBox(buttons, layout=row), self._status, self.stage,
            tabs,
        ]  # fmt: skip

    def save(self, path: str | None = None) -> Path | None:
        """Write the shown result as netCDF; None, with the reason on the screen, where it fails."""
        if self.result is None:
            self._saved.value = "There is no result yet."
            return None
        target = Path(path or self._path.value.strip())
        try:
            save(self.result, target)
        except InvisError as error:
            self._saved.value = f'<span role="alert">{escape(str(error))}</span>'
            return None
        self._saved.value = f"Saved as <code>{escape(str(target))}</code>."
        return target

    @property
    def code(self) -> str:
        """Python that repeats the chosen search."""
        return self._code.value

    def _changed(self, change: Any) -> None:
        name = change["name"] if change else "address"
        if name == "address":
            self.settings.offer_distances(self.chooser.layers_before())
        try:
            said = self.settings.values()
        except InvisError as error:
            self._say(str(error), wrong=True)
            return
        if self.chooser.file:
            said["weights"] = self.chooser.file
        self._code.value = search_code(self.address, said, self._own)
        if change and self.follow:
            self.search()

    def _restyle(self, _: Any) -> None:
        self.stage.restyle(self.dark)

    def _open_tile(self, tile: int) -> None:
        self.detail.choose(tile)
        self._tabs.selected_index = 1


def _file_name(ds: Dataset) -> str:
    return str(ds.attrs["address"]).replace("/", "-").replace(":", "-") + ".nc"

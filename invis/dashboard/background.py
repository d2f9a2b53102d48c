"""Long work for one visitor: queued on the device's worker, looked at on the visitor's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import panel as pn

from invis.errors import InvisError
from invis.jobs import Job, State, worker

MILLISECONDS = 250


class Background(pn.viewable.Viewer):
    """A button, a bar and a line that follow one job at a time.

    Args:
        label: of the button.
        begin: gives the work, or raises InvisError for bad input.
        news: called with each new snapshot, and once more when the job has ended.
        seconds: after which the job is cancelled; 0 for no limit.
    """

    def __init__(
        self,
        label: str,
        begin: Callable[[], Callable[[], Iterable[Any]]],
        news: Callable[[Job[Any]], None],
        seconds: float = 0.0,
    ) -> None:
        super().__init__()
        self._begin, self._news, self._limit = begin, news, seconds
        self.job: Job[Any] | None = None
        self._seen: tuple[State, int] | None = None
        self._looking: Any = None
        self.start = pn.widgets.Button(label=label, color="primary", width=130)
        self.stop = pn.widgets.Button(label="Stop", width=80, disabled=True)
        self._bar = pn.indicators.Progress(value=0, max=100, width=200, active=False)
        self._line = pn.pane.HTML("", sizing_mode="stretch_width")
        self.start.on_click(lambda _: self.run())
        self.stop.on_click(lambda _: self.cancel())
        self._view = pn.FlexBox(self.start, self.stop, self._bar, self._line, align_items="center")

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def run(self) -> None:
        """Begin, or begin anew."""
        self.cancel()
        try:
            self.job = worker("cpu").submit(self._begin(), self.start.label)
        except InvisError as error:
            self.say(str(error))
            return
        self._seen, self.stop.disabled = None, False
        self.look()
        if pn.state.curdoc is not None and self._looking is None:
            self._looking = pn.state.add_periodic_callback(self.look, period=MILLISECONDS)

    def run_when_seen(self) -> None:
        """Begin when a browser shows the page: whoever only fetches it starts nothing."""
        if pn.state.curdoc is None or pn.state.curdoc.session_context is None:
            self.run()
        else:
            pn.state.onload(self.run)

    def cancel(self) -> None:
        """End what runs or waits; what was shown stays."""
        if self.job is not None and not self.job.ended:
            self.job.cancel()

    def look(self) -> None:
        """Show what is new."""
        job = self.job
        if job is None:
            return
        # Asked first: what ends while this runs has its last news yet to come.
        ended = job.ended
        if self._limit and job.seconds > self._limit:
            job.cancel()
        seen = (job.state, job.count)
        if job.state is State.WAITING:
            self.say(f"{job.position} before you." if job.position else "Next.")
        elif seen != self._seen:
            self._seen = seen
            self._bar.value = round(100 * job.fraction_done)
            self._news(job)
        if ended:
            self.stop.disabled = True
            if self._looking is not None:
                self._looking.stop()
                self._looking = None

    def say(self, text: str) -> None:
        """One line beside the bar."""
        self._line.object = f'<span role="status">{escape(text)}</span>'

"""What every explorer has: buttons, a job that is followed, a status line, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import ipywidgets as ipw
import traitlets

from invis.errors import InvisError
from invis.jobs import Job, State, follow, worker


class Explorer(ipw.VBox):
    """A widget that runs one job at a time, on the worker of its device.

    A subclass makes its parts, calls `_start` to begin, and shows news in `_show_news`.

    Attributes:
        message: what the status line says.
    """

    message = traitlets.Unicode()

    LOOKS_PER_SECOND = 12.0

    def __init__(self) -> None:
        self._job: Job[Any] | None = None
        self._watching: asyncio.Task | None = None
        self._figures: list[ipw.Widget] = []
        wide = ipw.Layout(width="120px")
        self._search = ipw.Button(
            description="Search", icon="play", button_style="primary", layout=wide
        )
        self._stop = ipw.Button(description="Stop", icon="stop", disabled=True, layout=wide)
        self._progress = ipw.FloatProgress(
            max=1.0, layout=ipw.Layout(flex="1 1 160px", min_width="0")
        )
        self._status = ipw.HTML(layout=ipw.Layout(width="100%"))
        super().__init__(layout=ipw.Layout(width="100%"))
        self.add_class("invis-explorer")
        self._search.on_click(lambda _: self.search())
        self._stop.on_click(lambda _: self.stop())

    def search(self) -> Job[Any] | None:
        """Begin; None, with the reason in `message`, where nothing can be begun."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the job; what it found so far is kept."""
        if self._job is not None and not self._job.ended:
            self._job.cancel()

    def close(self) -> None:
        """Cancel the job and remove the widget."""
        self.stop()
        if self._watching is not None:
            self._watching.cancel()
        for figure in self._figures:
            figure.close()
        super().close()

    def _start(
        self, device: str | None, work: Callable[[], Iterable[Any]], label: str
    ) -> Job[Any] | None:
        """Queue the work and follow it on the loop that runs, if one does."""
        try:
            self._job = worker(device).submit(work, label)
        except InvisError as error:
            self._say(str(error), wrong=True)
            return None
        self._show_progress()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._job  # Outside a notebook the caller waits for it.
        self._watching = loop.create_task(self._watch(self._job))
        return self._job

    async def _watch(self, job: Job[Any]) -> None:
        async for _ in follow(job, self.LOOKS_PER_SECOND):
            if job is self._job:
                self._show_progress()
        self._gather()

    def _show_progress(self) -> None:
        """Put what is newest of the running job on the screen."""
        job = self._job
        if job is None or job.cancelling:
            return
        self._stop.disabled = job.ended
        self._progress.value = job.fraction_done
        if job.state is State.WAITING:
            self._say(f"Waiting: {job.position} before it." if job.position else "Waiting: next.")
        else:
            self._show_news(job)

    def _show_news(self, job: Job[Any]) -> None:
        """Show where a job stands that runs or has ended."""

    def _gather(self) -> None:
        """Take what ended jobs left."""

    def _say(self, text: str, wrong: bool = False) -> None:
        self.message = text
        role = "alert" if wrong else "status"
        mark = '<b style="color:#b84a00">&#9888;</b> ' if wrong else ""
        self._status.value = f'<span role="{role}">{mark}{escape(text)}</span>'


def time_left(job: Job[Any]) -> str:
    """An estimate as the end of a sentence; empty where there is none."""
    left = job.seconds_left
    return f", about {left:.0f} s left" if left is not None and left >= 1 else ""

"""`invis search`: find, measure, save and show the invariant set of one unit or many."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import progress
from invis.cli.saving import ResultsFolder, default_out
from invis.search.settings import Settings

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.search import Snapshot


@click.command(short_help="Find the invariant set of a unit and measure it.")
@click.argument("address")
@options.search_options()
@options.weights
@options.device
@options.out
@options.as_json
def search(
    address: str,
    weights: str | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Find images that all excite the unit at ADDRESS and differ as much as possible.

    Writes result.nc, set.png and gallery.html, and prints how invariant that makes the unit: an
    index of 1 is what a linear unit would allow. Many units of a layer go in one batch:
    vgg16/conv3_1/0-15,20.
    """
    from invis.models.address import parse_address
    from invis.models.kinds import opener_of

    # What needs no model is checked before the folder is made.
    if opener_of(address) is None:
        parse_address(address)
    settings = Settings.of(**asked)
    folder = ResultsFolder(out if out is not None else default_out(address, weights))
    try:
        interrupted = run(address, folder, weights, device, settings)
    finally:
        folder.remove_empty()
    if as_json:
        output.echo_json([output.search_record(ds, str(where)) for ds, where in folder.results])
    elif folder.results:
        report(folder)
    if interrupted:
        raise_interrupted(folder)


def run(
    address: str,
    folder: ResultsFolder,
    weights: str | None,
    device: str | None,
    settings: Settings,
) -> bool:
    """Search and fill the folder; True where Ctrl-C ended it early."""
    from invis.models.unit import units_at
    from invis.search import search_steps

    units = units_at(address, weights=weights, device=device)
    if units.cone.remark:
        click.echo(f"{units.addresses[0]}: {units.cone.remark}.", err=True)
    folder.expect(units.addresses)
    interrupted = follow(search_steps(units, settings), folder, address)
    folder.write_gallery()
    return interrupted


def follow(steps: Iterator[Snapshot], folder: ResultsFolder, address: str) -> bool:
    """Consume the search, save units as they finish; True where Ctrl-C ended it early.

    The first Ctrl-C stops between two snapshots, where the state is whole, and saves the unfinished
    units as they are; a second one leaves them.
    """
    latest: Snapshot | None = None
    with Interrupt() as interrupt:
        try:
            with progress(address) as tell:
                for latest in steps:
                    for ds in latest.finished:
                        folder.add(ds)
                    tell(latest)
                    if interrupt.asked:
                        break
                    interrupt.armed = True
            if interrupt.asked and latest is not None:
                for ds in latest.results():
                    folder.add(ds)
        except KeyboardInterrupt:
            interrupt.asked = True
    return interrupt.asked


class Interrupt:
    """Turns the first Ctrl-C after the first snapshot into a request.

    Attributes:
        armed: there is something to keep, so a Ctrl-C is a request rather than an exception.
        asked: a Ctrl-C has come.
    """

    def __init__(self) -> None:
        self.armed = False
        self.asked = False

    def __enter__(self) -> Interrupt:
        self._before = None
        # Only the main thread of a process receives signals.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked or not self.armed:
            raise KeyboardInterrupt
        self.asked = True
        click.echo("\nSaving what was found; Ctrl-C again leaves at once.", err=True)


def report(folder: ResultsFolder) -> None:
    """The table, a sentence on a single unit, warnings, and where the files are."""
    click.echo(results_table([ds for ds, _ in folder.results]))
    if len(folder.results) == 1:
        from invis.views.base import words

        ds = folder.results[0][0]
        click.echo()
        for sentence in [
            words.verdict(ds),
            words.remark(ds),
            words.in_features(ds),
            *words.warnings(ds),
        ]:
            if sentence:
                click.echo(sentence)
    click.echo()
    click.echo(f"Gallery: {folder.gallery}")


def results_table(results: list[Dataset]) -> str:
    """One line a unit; index and spread have their null in the header."""
    rows = []
    for ds in results:
        record = output.search_record(ds, "")
        state = "dead" if record["dead"] else "" if record["converged"] else "not converged"
        rows.append(
            [
                str(record["address"]),
                output.number(record["index"]),
                output.number(record["spread"]),
                output.number(record["fraction_min"]),
                output.number(record["saturated"] and 100 * record["saturated"], 1),
                output.number(record["seconds"], 1),
                state,
            ]
        )
    header = ["unit", "index (linear: 1)", "spread (linear: 1)", "least", "saturated %", "s", ""]
    return output.table(header, rows, right=(1, 2, 3, 4, 5))


def raise_interrupted(folder: ResultsFolder) -> None:
    """Say what was kept and leave with 130."""
    kept = len(folder.results)
    if kept:
        noun = "result is" if kept == 1 else "results are"
        click.echo(f"invis: interrupted; {kept} {noun} kept in {folder.path}", err=True)
    else:
        click.echo("invis: interrupted before anything was found; nothing was kept.", err=True)
    sys.exit(130)

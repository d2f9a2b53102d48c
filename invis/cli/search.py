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

from invis.cli import output
from invis.cli.bars import progress
from invis.cli.saving import ResultsFolder, default_out
from invis.errors import InvisError

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.search import Snapshot


@click.command(short_help="Find the invariant set of a unit and measure it.")
@click.argument("address")
@click.option("--images", default=8, show_default=True, help="Images of the set, at least 2.")
@click.option(
    "--activation",
    default=0.9,
    show_default=True,
    help="Every image keeps at least this fraction of the reference.",
)
@click.option("--contrast", type=float, help="RMS contrast in grey levels of 255.")
@click.option(
    "--band", help="Spatial frequencies in cycles per image, LOW:HIGH; `all` for no limit."
)
@click.option("--objective", type=click.Choice(["set", "paper"]), default="set", show_default=True)
@click.option(
    "--distance",
    default="pixels",
    show_default=True,
    help="`pixels`, or an earlier LAYER's features.",
)
@click.option("--weights", help="A weights name, a file, `none` or `none:SEED`.")
@click.option("--seed", default=0, show_default=True)
@click.option("--device", help="cpu, cuda, cuda:1, mps; chosen for you when left out.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
def search(
    address: str,
    images: int,
    activation: float,
    contrast: float | None,
    band: str | None,
    objective: str,
    distance: str,
    weights: str | None,
    seed: int,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find images that all excite the unit at ADDRESS and differ as much as possible.

    Writes result.nc, set.png and gallery.html, and prints how invariant that makes the unit: an
    index of 1 is what a linear unit would allow. Many units of a layer go in one batch:
    vgg16/conv3_1/0-15,20.
    """
    if images < 2:
        raise InvisError(f"--images {images} is too few: a set needs at least 2 images.")
    from invis.models.address import parse_address
    from invis.search import Settings

    # What needs no model is checked before the folder is made.
    parse_address(address)
    asked: dict[str, Any] = {
        "images": images,
        "activation": activation,
        "band": band,
        "objective": objective,
        "distance": distance,
        "seed": seed,
    }
    if contrast is not None:
        asked["contrast"] = contrast
    Settings(**asked)
    folder = ResultsFolder(out if out is not None else default_out(address, weights))
    try:
        interrupted = run(address, folder, weights, device, asked)
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
    asked: dict[str, Any],
) -> bool:
    """Search and fill the folder; True where Ctrl-C ended it early."""
    from invis.models.unit import units_at
    from invis.search import search_steps

    units = units_at(address, weights=weights, device=device)
    folder.expect(units.addresses)
    interrupted = follow(search_steps(units, **asked), folder, address)
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

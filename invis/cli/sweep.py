"""`invis sweep`: every unit of many layers into a store, resumed where it was left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import moving
from invis.cli.search import Interrupt
from invis.errors import InvisError

if TYPE_CHECKING:
    from invis.atlas.plan import PlannedLayer
    from invis.atlas.tally import SweepSnapshot

INTERRUPTED = 130
SECONDS_BETWEEN_LINES = 30.0


@click.command(short_help="Search every unit of many layers into an atlas.")
@click.argument("pattern")
@click.option("--store", required=True, help="Folder or URL of the atlas; made where it is new.")
@click.option("--units", help="Channels of every layer, such as 0-63; all when left out.")
@click.option("--workers", type=int, help="Processes of this machine: one a GPU, or some a CPU.")
@click.option("--scheduler", help="Address of a dask scheduler, such as tcp://node1:8786.")
@options.search_options()
@options.weights
@options.device
@click.option("--dry-run", is_flag=True, help="Say what it would do, how long and how large.")
@options.as_json
def sweep(pattern: str, store: str, dry_run: bool, as_json: bool, **asked: Any) -> None:
    """Search all units of PATTERN and keep them in the atlas at --store.

    PATTERN is MODEL/LAYERS: a layer, layers with commas between them, ranges such as
    vgg19/conv1_1..conv4_4 in the order of `invis units MODEL`, or MODEL alone for all of them.

    A unit is kept as soon as it is found. Whatever ends a sweep, the same command goes on where it
    was, and tries the units again that failed.
    """
    _tell_shorter(pattern, asked["units"])
    if dry_run:
        _dry_run(pattern, store, asked, as_json)
        return
    from invis.atlas.sweep import sweep_steps

    failures: dict[str, str] = {}
    last: SweepSnapshot | None = None
    steps = sweep_steps(pattern, store, **asked)
    with Interrupt() as interrupt, _telling(pattern) as tell, closing(steps):
        for last in steps:
            tell(last)
            failures |= last.failures
            if interrupt.asked:
                break
            interrupt.armed = last.phase == "search"
    assert last is not None
    if as_json:
        output.echo_json([_record(pattern, store, last, failures)])
    elif not interrupt.asked:
        earlier = f", {last.before} of them from before" if last.before else ""
        click.echo(f"{last.done} of {last.total} units are in {store}{earlier}.")
    if interrupt.asked:
        click.echo(
            f"invis: interrupted; what was finished is kept in {store}, and the same command goes "
            "on from there",
            err=True,
        )
        sys.exit(INTERRUPTED)
    if failures:
        address, reason = next(iter(failures.items()))
        raise InvisError(
            f"{len(failures)} of {last.total} units failed, {address} because {reason.rstrip('.')}:"
            " the same sweep tries them again"
        )


def _tell_shorter(pattern: str, units: str | None) -> None:
    """Say which layers have fewer units than are asked of every layer."""
    if units is None:
        return
    from invis.atlas.pattern import parse_pattern
    from invis.models.address import parse_channels

    asked = len(parse_channels(units))
    shorter = [part for part in parse_pattern(pattern, units) if len(part.channels) < asked]
    if shorter:
        told = ", ".join(f"{part.layer} {len(part.channels)}" for part in shorter)
        click.echo(
            f"invis: layers that have not all units {units} give those they have: {told}", err=True
        )


def _dry_run(pattern: str, store: str, asked: dict[str, Any], as_json: bool) -> None:
    from invis.atlas.estimate import HOW
    from invis.atlas.sweep import sweep_plan
    from invis.atlas.tally import duration

    plan = sweep_plan(pattern, store, **asked)
    workers = plan.workers
    if as_json:
        output.echo_json([_layer_record(layer, workers) for layer in plan.layers])
        return
    rows = [
        [
            layer.address,
            str(layer.units),
            str(layer.units - len(layer.todo)),
            str(len(layer.failed)),
            str(len(layer.batches)),
            f"{layer.cost.seconds:.2f}",
            duration(layer.seconds / workers),
            f"{layer.bytes / 1e6:.1f}",
        ]
        for layer in plan.layers
    ]
    head = ["layer", "units", "there", "failed", "batches", "s a unit", "time", "MB"]
    click.echo(output.table(head, rows, right=range(1, len(head))))
    click.echo()
    on = f"on {workers} workers" if workers > 1 else "on one worker like this process"
    click.echo(
        f"{plan.todo} of {plan.units} units to do in {len(plan.tasks)} batches: about "
        f"{duration(plan.seconds)} {on}, {plan.bytes / 1e6:.1f} MB at most. Nothing was written."
    )
    click.echo(f"Time is {HOW}; size is that of raw images.")


def _layer_record(layer: PlannedLayer, workers: int) -> dict[str, Any]:
    return {
        "layer": layer.address,
        "units": layer.units,
        "there": layer.units - len(layer.todo),
        "failed": {str(channel): reason for channel, reason in layer.failed.items()},
        "todo": list(layer.todo),
        "batches": len(layer.batches),
        "seconds_per_unit": layer.cost.seconds,
        "seconds": layer.seconds / workers,
        "bytes": layer.bytes,
    }


def _record(
    pattern: str, store: str, last: SweepSnapshot, failures: dict[str, str]
) -> dict[str, Any]:
    counts = {key: getattr(last, key) for key in ("total", "done", "before", "seconds")}
    return {"pattern": pattern, "store": store} | counts | {"failures": failures}


@contextmanager
def _telling(pattern: str) -> Iterator[Callable[[SweepSnapshot], None]]:
    """A bar on a terminal's stderr; a line now and then in a log; yields what is to be called."""
    if not sys.stderr.isatty():
        said = time.monotonic()

        def line(progress: SweepSnapshot) -> None:
            nonlocal said
            if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                click.echo(f"{pattern}: {progress.summary}", err=True)

        yield line
        return
    with moving("{desc} {percentage:3.0f}% |{bar}|") as tell:
        yield lambda progress: tell(progress.fraction_done, progress.summary)

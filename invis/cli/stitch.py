"""`invis stitch`: decoders read encoders that they were not trained on, against their nulls."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from invis.cli import output
from invis.cli.saving import slug, writable_folder, writing
from invis.errors import InvisError

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.stitching.data import Data
    from invis.stitching.latents import Latents
    from invis.stitching.progress import Progress

T = TypeVar("T")
PAGE, TABLE = "stitching.html", "stitching.csv"


@click.command(short_help="Cross encoders and decoders of different networks.")
@click.option("--data", default="digits", show_default=True, help="`digits`, or a folder: DIR.")
@click.option(
    "--encoders",
    help="Names, comma-separated; `all` small ones, or MODEL[@WEIGHTS][/LAYER] of the zoo.",
)
@click.option("--anchors", default=128, show_default=True, help="Inputs that spaces share.")
@click.option(
    "--choose",
    type=click.Choice(["random", "kmeans", "farthest", "balanced"]),
    default="random",
    show_default=True,
    help="How anchors are chosen.",
)
@click.option("--similarities", help="Comma-separated  [default: cosine,euclidean,l1,linf]")
@click.option(
    "--task",
    type=click.Choice(["classification", "reconstruction", "both"]),
    default="classification",
    show_default=True,
)
@click.option("--seeds", default=3, show_default=True, help="Networks, anchors, decoders anew.")
@click.option("--width", type=int, help="Dimensions of every encoder's latent space.")
@click.option("--sweep", help="Numbers of anchors to compare, such as 8,32,128.")
@click.option("--limit", type=int, help="At most so many training and so many test images.")
@click.option("--device", help="cpu, cuda, cuda:1, mps; chosen for you when left out.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
def stitch(
    data: str,
    encoders: str | None,
    anchors: int,
    choose: str,
    similarities: str | None,
    task: str,
    seeds: int,
    width: int | None,
    sweep: str | None,
    limit: int | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train a decoder for each encoder, and let it read all others, by every method.

    Nothing is trained on a pair. Methods: relative spaces of one similarity, products of several,
    translators fitted on the anchors; and the nulls: absolute spaces, shuffled anchors, untrained
    encoders. Writes stitching.html and stitching.csv.
    """
    counts = numbers("--sweep", sweep) if sweep else None
    from invis.stitching.aggregation import TASKS
    from invis.stitching.data import load_data
    from invis.stitching.latents import latents_steps
    from invis.stitching.matrix import Settings, stitch_steps
    from invis.stitching.methods import methods
    from invis.stitching.specs import parse_encoders
    from invis.stitching.sweep import anchor_sweep_steps

    ways = methods(listed(similarities)) if similarities else methods()
    tasks = TASKS if task == "both" else (task,)
    settings = Settings(anchors, choose, ways, tasks)
    images = load_data(data)
    if limit is not None:
        images = images.limited(limit, limit)
    most = max(anchors, *(counts or [0]))
    if most > len(images.train_labels):
        raise InvisError(
            f"--anchors {most} is too many: there are {len(images.train_labels)} training images."
        )
    chosen = parse_encoders(listed(encoders), data, width)
    folder = out if out is not None else Path("out") / f"{slug(Path(data).name)}-stitching"
    writable_folder(folder)
    latents = follow(
        latents_steps(images, chosen, seeds=seeds, latent=width or 32, device=device), data
    )
    results = follow(stitch_steps(images, latents, settings, device), data)
    swept = None
    if counts:
        swept = follow(anchor_sweep_steps(images, latents, counts, settings, device), data)
    rows = write(folder, results, swept, images, latents)
    if as_json:
        output.echo_json(rows)
    else:
        report(results, folder / PAGE)


def listed(text: str | None) -> list[str]:
    """The parts of a comma-separated option."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def numbers(option: str, text: str) -> list[int]:
    """The numbers of a comma-separated option, smallest first."""
    parts = listed(text)
    if not parts or not all(part.isdecimal() and int(part) >= 2 for part in parts):
        raise InvisError(f"{option} {text!r} is no list of numbers from 2 on, such as 8,32,128.")
    return sorted({int(part) for part in parts})


def follow(steps: Iterator[Progress[T]], name: str) -> T:
    """The last result, with a bar on a terminal's stderr."""
    from tqdm import tqdm

    last: T | None = None
    layout = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}"
    quiet = not sys.stderr.isatty()
    with tqdm(total=1.0, desc=name, bar_format=layout, leave=False, disable=quiet) as bar:
        for snapshot in steps:
            bar.set_description_str(f"{name}  {snapshot.summary}", refresh=False)
            bar.update(max(0.0, snapshot.fraction_done - bar.n))
            last = snapshot.result
    assert last is not None
    return last


def write(
    folder: Path, results: list[Dataset], swept: Dataset | None, data: Data, latents: Latents
) -> list[dict[str, Any]]:
    """The page, and the cells for other programs; returns the cells."""
    from invis.stitching.table import records
    from invis.views.stitching_page import stitching_html

    rows = [row for ds in results for row in records(ds)]
    with writing(folder / TABLE), (folder / TABLE).open("w", newline="") as file:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        lines = csv.DictWriter(file, keys)
        lines.writeheader()
        lines.writerows(rows)
    first = results[0].attrs
    title = (
        f"{data.name}: {first['train_images']} training and {first['test_images']} test images, "
        f"{first['anchors']} anchors ({first['strategy']}), {len(latents.seeds)} seeds"
    )
    with writing(folder / PAGE):
        page = stitching_html(results, title, swept, spaces_figures(data, latents, first))
        (folder / PAGE).write_text(page, encoding="utf-8")
    return rows


def spaces_figures(data: Data, latents: Latents, asked: dict[str, Any]) -> list[Callable]:
    """The points of the first two encoders before and after, and what a rotation changes."""
    from invis.stitching.anchors import choose_anchors
    from invis.stitching.spaces import ProductSpace
    from invis.views.stitching_forgives import forgives_figure
    from invis.views.stitching_points import points_figure

    inputs = data.train_images.reshape(len(data.train_images), -1)
    anchors = choose_anchors(inputs, asked["anchors"], asked["strategy"], labels=data.train_labels)
    shown = slice(0, 600)
    before = [latents.test[0][i][shown] for i in (0, 1)]
    trained = [latents.train[0][i][anchors] for i in (0, 1)]
    after = [ProductSpace().fit(a).transform(x) for a, x in zip(trained, before, strict=True)]
    names = (latents.names[0], latents.names[1])
    labels = data.test_labels[shown]
    figures: list[Callable] = [
        lambda dark: forgives_figure(before[0], trained[0], "rotation", dark=dark)
    ]
    if before[0].shape == before[1].shape:
        figures.insert(
            0,
            lambda dark: points_figure(
                (before[0], before[1]), (after[0], after[1]), labels, data.classes, names, dark
            ),
        )
    return figures


def report(results: list[Dataset], page: Path) -> None:
    """One table a task, nulls in it, and where the page is."""
    from invis.stitching.table import summary

    for ds in results:
        lines = [
            [
                f"{row['method']} (null)" if row["null"] else row["method"],
                *(output.number(known(row[key]), 3) for key in ("own", "stitched", "spread")),
                *(output.number(known(row[key])) for key in ("index", "worst")),
            ]
            for row in summary(ds)
        ]
        what = "accuracy" if ds.attrs["better"] == "higher" else "RMS error"
        click.echo(
            f"{ds.attrs['task']}: {what}, chance {output.number(ds.attrs['chance'], 3)}, "
            f"{ds.sizes['encoder']} encoders x {ds.sizes['decoder']} decoders, "
            f"{ds.sizes['seed']} seeds\n"
        )
        header = ["method", "own", "stitched", "sd", "index", "worst pair"]
        click.echo(output.table(header, lines, right=(1, 2, 3, 4, 5)))
        for reason in sorted({str(r) for r in ds["reason"].values.ravel() if r}):
            click.echo(f"Left empty: {reason}")
        click.echo()
    click.echo(f"Page: {page}")


def known(value: float) -> float | None:
    """None for NaN."""
    return None if value != value else value

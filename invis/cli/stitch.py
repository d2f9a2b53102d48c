"""`invis stitch`: decoders read encoders that they were not trained on, against their nulls."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.cli.places import prepared
from invis.cli.saving import slug, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole
from invis.progress import until_done

if TYPE_CHECKING:
    from xarray import Dataset

    from invis.stitching.study import Study

PAGE, TABLE = "stitching.html", "stitching.csv"
POINTS = 600


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
@click.option(
    "--plane",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="How points are drawn; umap needs umap-learn.",
)
@click.option("--limit", type=int, help="At most so many training and so many test images.")
@options.device
@options.out
@options.as_json
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
    plane: str,
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
    counts = numbers("--sweep", sweep) if sweep is not None else None
    from invis.stitching.aggregation import TASKS
    from invis.stitching.matrix import StitchSettings
    from invis.stitching.methods import methods
    from invis.stitching.planes import check_plane
    from invis.stitching.study import study_steps

    check_plane(plane)
    ways = methods(listed(similarities)) if similarities else methods()
    tasks = TASKS if task == "both" else (task,)
    settings = StitchSettings(anchors, choose, ways, tasks)
    folder = out if out is not None else Path("out") / f"{slug(Path(data).name)}-stitching"
    steps = study_steps(
        data, listed(encoders), settings, seeds=seeds, width=width, counts=counts or (),
        limit=limit, device=device,
    )  # fmt: skip
    with prepared([folder], (PAGE, TABLE)):
        study = until_done(watched(steps, data))[-1]
        rows = write(folder, study, plane)
    if as_json:
        output.echo_json(rows)
    else:
        report(study.results, folder / PAGE)


def listed(text: str | None) -> list[str]:
    """The parts of a comma-separated option."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def numbers(option: str, text: str) -> list[int]:
    """The numbers of a comma-separated option, smallest first."""
    parts = listed(text)
    if not parts or not all(part.isdecimal() and int(part) >= 2 for part in parts):
        raise InvisError(f"{option} {text!r} is no list of numbers from 2 on, such as 8,32,128.")
    return sorted({int(part) for part in parts})


def write(folder: Path, study: Study, plane: str = "pca") -> list[dict[str, Any]]:
    """The page, and the cells for other programs; returns the cells."""
    from invis.stitching.table import records
    from invis.views.stitching.page import stitching_html

    rows = [row for ds in study.results for row in records(ds)]
    with writing(folder / TABLE), (folder / TABLE).open("w", newline="") as file:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        lines = csv.DictWriter(file, keys)
        lines.writeheader()
        lines.writerows(rows)
    first = study.results[0].attrs
    title = (
        f"{study.data.name}: {first['train_images']} training and {first['test_images']} test "
        f"images, {first['anchors']} anchors ({first['strategy']}), "
        f"{len(study.latents.seeds)} seeds"
    )
    with writing(folder / PAGE):
        images = study.data.test_images[:POINTS]
        more = spaces_figures(study, plane)
        page = stitching_html(study.results, title, study.sweep, more, images)
        write_whole(folder / PAGE, page)
    return rows


def spaces_figures(study: Study, plane: str = "pca") -> list[Callable]:
    """The points of the first two encoders before and after, and what a rotation changes."""
    from invis.stitching.planes import in_plane
    from invis.views.stitching.forgives import forgives_figure
    from invis.views.stitching.points import flat_figure

    first, second = study.latents.names[:2]
    before, after = study.pair(first, second, POINTS)
    labels, classes = study.data.test_labels[:POINTS], study.data.classes
    figures: list[Callable] = [
        lambda dark: forgives_figure(before[0], study.anchors(0), "rotation", dark=dark)
    ]
    if before[0].shape == before[1].shape:
        rows = [in_plane(a, b, plane) for a, b in (before, after)]
        figures.insert(
            0,
            lambda dark: flat_figure(rows, labels, classes, (first, second), dark, plane),
        )
    return figures


def report(results: Sequence[Dataset], page: Path) -> None:
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

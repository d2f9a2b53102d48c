"""`invis trajectory`: PCA of a training's checkpoints, with the random walk they must beat."""

from __future__ import annotations

import time
import warnings
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
    from invis.trajectory import PCA, Comparison, Gram, Source

COMPONENTS = 30
PAGE, TABLE, PRODUCTS = "trajectory.html", "projections.csv", "gram.npz"


@click.command(short_help="Principal components of a training, against a random walk.")
@click.argument("path", type=click.Path(path_type=Path))
@options.out
@options.as_json
def trajectory(path: Path, out: Path | None, as_json: bool) -> None:
    """Find the principal components of the checkpoints at PATH and what a random walk would show.

    PATH is a recording, the folder of `invis train --record`, a folder of safetensors files or
    state dicts, a gram.npz of this command, or minivgg or miniresnet, whose runs ship with Invis.
    Writes trajectory.html, projections.csv and gram.npz; with the last, the same command takes up a
    training that has gone on since.
    """
    began = time.perf_counter()
    from invis.trajectory import compare, kept_gram, pca, save_gram

    kept = kept_gram(path)
    source = read(path) if kept is None else None
    folder = out if out is not None else default_out(path)
    with prepared([folder], (PAGE, TABLE, PRODUCTS)):
        if source is not None:
            products = multiply(source, folder / PRODUCTS)
        else:
            assert kept is not None
            products = kept
            with writing(folder / PRODUCTS):
                save_gram(products, folder / PRODUCTS)
        found = pca(products)
        comparison = compare(found)
        write(folder, found, comparison, path)
    seconds = time.perf_counter() - began
    if as_json:
        output.echo_json([record(found, comparison, seconds)])
    else:
        report(products, found, comparison, folder / PAGE)


def read(path: Path) -> Source:
    """The checkpoints; what is left out is told on stderr."""
    from invis.trajectory import open_trajectory

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        source = open_trajectory(path)
    for warning in told:
        if warning.category is UserWarning:
            click.echo(f"invis: {str(warning.message).rstrip('.')}", err=True)
    return source


def default_out(path: Path) -> Path:
    """out/NAME-trajectory, by the name of the training's folder."""
    whole = path.resolve()
    name = whole.parent.name if whole.name in ("record", PRODUCTS) else whole.stem
    if name.endswith("-trajectory"):
        return Path("out") / slug(name)
    return Path("out") / f"{slug(name)}-trajectory"


def multiply(source: Source, kept: Path) -> Gram:
    """The inner products, going on from those in the file `kept`, which is written anew."""
    from invis.trajectory import gram_steps, load_gram, save_gram

    known = None
    if kept.exists():
        try:
            known = load_gram(kept)
        except InvisError:
            click.echo(f"invis: {kept} is damaged and made anew", err=True)
    (found,) = until_done(watched(gram_steps(source, known), source.name))
    with writing(kept):
        save_gram(found, kept)
    return found


def record(found: PCA, comparison: Comparison, seconds: float) -> dict[str, Any]:
    """The JSON object of one trajectory."""
    return {
        "steps": found.steps.tolist(),
        "parameters": found.parameters,
        "explained": found.ratios[:COMPONENTS].tolist(),
        "null_explained": comparison.fits["walk"].null.ratios[:COMPONENTS].tolist(),
        "best_null": comparison.best,
        "fit": {
            "reason": comparison.reason,
            "plausible": list(comparison.plausible),
            "nulls": {
                name: {
                    "distance": fit.distance,
                    "log_likelihood": fit.likelihood,
                    "bic": fit.bic,
                    "parameters": fit.null.parameters,
                    "explained": fit.null.ratios[:COMPONENTS].tolist(),
                }
                for name, fit in comparison.fits.items()
            },
        },
        "seconds": seconds,
    }


def write(folder: Path, found: PCA, comparison: Comparison, path: Path) -> None:
    """The page, and the projections for other programs."""
    from invis.trajectory import save_projections
    from invis.views.trajectory.figures import trajectory_html

    with writing(folder / TABLE):
        save_projections(found, folder / TABLE)
    with writing(folder / PAGE):
        page = trajectory_html(found, comparison, f"{path}: {len(found.steps)} checkpoints")
        write_whole(folder / PAGE, page)


def report(products: Gram, found: PCA, comparison: Comparison, page: Path) -> None:
    """Tables of components, nulls and layers, the verdict, and where the page is."""
    first, last = found.steps[[0, -1]].tolist()
    click.echo(
        f"{len(found.steps)} checkpoints, steps {first} to {last}, {found.parameters} parameters\n"
    )
    walk = comparison.fits["walk"].null.ratios
    rows = [
        [str(k + 1), _percent(ratio), _percent(walk[k])] for k, ratio in enumerate(found.ratios[:5])
    ]
    click.echo(output.table(["component", "explained %", "random walk %"], rows, right=(0, 1, 2)))
    click.echo()
    rows = [
        [
            name,
            output.number(fit.distance),
            output.number(fit.bic, 1),
            ", ".join(f"{key} {value:.3g}" for key, value in fit.null.parameters.items()),
        ]
        for name, fit in comparison.fits.items()
    ]
    click.echo(output.table(["null", "misfit", "BIC", "fitted"], rows, right=(1, 2)))
    click.echo(f"\nBest null: {comparison.best}. {comparison.reason}\n")
    traces = {layer: of_layer(products, layer) for layer in products.layers}
    total = found.eigenvalues.sum()
    rows = [
        [
            layer,
            str(int(size)),
            "-" if one is None else _percent(one.eigenvalues.sum() / total),
            "-" if one is None else _percent(one.ratios[0]),
        ]
        for (layer, one), size in zip(traces.items(), products.sizes, strict=True)
    ]
    header = ["layer", "parameters", "share of the variance %", "first component %"]
    click.echo(output.table(header, rows, right=(1, 2, 3)))
    click.echo(f"\nPage: {page}")


def of_layer(products: Gram, layer: str) -> PCA | None:
    """PCA of one layer; None where it never moved."""
    from invis.trajectory import pca

    try:
        return pca(products, layer)
    except InvisError:
        return None


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"

"""`invis show` and `invis compare`: a gallery of saved results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from invis.cli.saving import RESULT, slug, writable_folder, writing
from invis.errors import InvisError

if TYPE_CHECKING:
    from xarray import Dataset

OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="The page to write  [default: out/NAME.html]"
)


@click.command(short_help="Make one gallery of saved results.")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@OUT
def show(results: tuple[Path, ...], out: Path | None) -> None:
    """Make one gallery of saved RESULTs (result files, or folders that hold some)."""
    files = [file for path in results for file in result_files(path)]
    name = slug(results[0].resolve().stem if len(results) == 1 else "gallery")
    write_page(files, out if out is not None else Path("out") / f"{name}.html")


@click.command(short_help="Put two saved results side by side.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@OUT
def compare(first: Path, second: Path, out: Path | None) -> None:
    """Put two saved results (two units, two networks, two settings) side by side."""
    files = [*result_files(first), *result_files(second)]
    write_page(files, out if out is not None else Path("out") / "compare.html")


def result_files(path: Path) -> list[Path]:
    """The result files that `path` names or holds, in the order of their names."""
    if path.is_file():
        return [path]
    found = sorted(path.rglob(RESULT)) if path.is_dir() else []
    if not found:
        what = f"a folder without any {RESULT}" if path.is_dir() else "neither a file nor a folder"
        raise InvisError(f"RESULT {str(path)!r} is {what}; `invis search` writes such files.")
    return found


def write_page(files: list[Path], out: Path) -> None:
    """Load, draw, write, and say where."""
    writable_folder(out.parent)
    from invis.search import load
    from invis.views.gallery import gallery_html

    results: list[Dataset] = [load(file) for file in files]
    with writing(out):
        out.write_text(gallery_html(results), encoding="utf-8")
    click.echo(f"Gallery of {len(results)} {'result' if len(results) == 1 else 'results'}: {out}")

"""`invis show` and `invis compare`: a gallery of saved results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from invis.cli.saving import RESULT, slug, writable_folder, writing
from invis.errors import InvisError
from invis.files.atomic import write_whole

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
    name = page_name(results[0]) if len(results) == 1 else "gallery"
    write_page(results, out if out is not None else Path("out") / f"{slug(name)}.html")


@click.command(short_help="Put two saved results side by side.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@OUT
def compare(first: Path, second: Path, out: Path | None) -> None:
    """Put two saved results (two units, two networks, two settings) side by side."""
    write_page((first, second), out if out is not None else Path("out") / "compare.html")


def page_name(path: Path) -> str:
    """What a page of one RESULT is called; every search calls its file the same."""
    whole = path.resolve()
    if whole.is_dir():
        return whole.name
    return whole.parent.name if whole.name == RESULT else whole.stem


def read(path: Path) -> list[Dataset]:
    """The results that `path` names or holds, in the order of their names.

    What is unreadable in a folder is told and left out, so that one file does not hide the rest.

    Raises:
        InvisError: if the file is unreadable, or the folder holds no readable one.
    """
    single = path.is_file()
    files = [path] if single else sorted(path.rglob(RESULT)) if path.is_dir() else []
    if not files:
        what = f"a folder without any {RESULT}" if path.is_dir() else "neither a file nor a folder"
        raise InvisError(f"RESULT {str(path)!r} is {what}; `invis search` writes such files.")
    from invis.search import load

    if single:
        return [load(path)]
    results = []
    for file in files:
        try:
            results.append(load(file))
        except InvisError as error:
            click.echo(f"invis: skipped: {str(error).rstrip('.')}", err=True)
    if not results:
        raise InvisError(f"RESULT {str(path)!r} is a folder without any readable {RESULT}.")
    return results


def write_page(paths: Sequence[Path], out: Path) -> None:
    """Load, draw, write, and say where."""
    # A page may replace a page, but no notes or results whose name was given by mistake.
    if out.suffix.lower() != ".html":
        raise InvisError(f"--out {str(out)!r} is no page: give a name that ends in .html.")
    results = [ds for path in paths for ds in read(path)]
    writable_folder(out.parent)
    from invis.views.search.gallery import gallery_html

    with writing(out):
        write_whole(out, gallery_html(results))
    click.echo(f"Gallery of {len(results)} {'result' if len(results) == 1 else 'results'}: {out}")

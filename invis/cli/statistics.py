"""`invis statistics`: the amplitude of a folder of pictures by frequency and colour."""

from __future__ import annotations

import math
import random
from pathlib import Path

import click

from invis.cli import options, output
from invis.cli.bars import moving
from invis.cli.places import prepared
from invis.cli.saving import slug, writing
from invis.errors import InvisError

# More would change the third digit.
MOST_PICTURES = 20_000
LEAST_CROPS = 2_000
AXES = {1: ("luminance",), 3: ("luminance", "opponent 1", "opponent 2")}


@click.command(short_help="Measure the statistics of your own pictures.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--source", help="What the pictures are; kept in the file.")
@options.as_json
def statistics(folder: Path, out: Path | None, source: str | None, as_json: bool) -> None:
    """Measure how strong each frequency is in the pictures in DIR and all folders below it.

    For luminance and two opponent colours, whose axes come from the pictures; for luminance alone
    where most pictures are grey. A large folder is sampled. Writes a JSON file of numbers for
    --metric.
    """
    from invis.probe.pictures import UnreadableError, halves_chroma, list_pictures, read_picture
    from invis.search.spectrum import Spectrum
    from invis.search.statistics import as_json as written
    from invis.search.statistics import write_statistics

    paths = list_pictures(folder)
    chosen = paths
    if len(paths) > MOST_PICTURES:
        chosen = random.Random(0).sample(paths, MOST_PICTURES)
    crops = math.ceil(LEAST_CROPS / len(chosen))
    name = folder.resolve().name
    path = out if out is not None else Path("out") / f"{slug(name)}-statistics.json"
    left_out: dict[str, str] = {}
    spectrum = Spectrum()
    with prepared([path.parent], (path.name,)), moving() as tell:
        for done, one in enumerate(chosen):
            tell(done / len(chosen), f"statistics  {done:,} of {len(chosen):,} pictures")
            try:
                pixels = read_picture(folder / one).pixels
            except UnreadableError as error:
                left_out[one] = str(error)
                continue
            if not spectrum.add(pixels, crops, halves_chroma(folder / one)):
                left_out[one] = f"{pixels.shape[0]} x {pixels.shape[1]} px is too small"
        if not spectrum.images:
            first, why = next(iter(left_out.items()))
            raise InvisError(f"no picture in {str(folder)!r} can be used: {first}: {why}")
        found = spectrum.statistics(
            source=source or f"pictures in {name!r}", command=f"invis statistics {name}"
        )
        with writing(path):
            write_statistics(found, path)
    record = written(found) | {"left_out": len(left_out), "out": str(path)}
    if as_json:
        output.echo_json([record])
        return
    of = f" of {len(paths):,}" if len(chosen) < len(paths) else ""
    click.echo(f"{found.images:,} pictures{of}, {found.crops:,} crops of them")
    if found.channels == 3 and spectrum.grey:
        click.echo(f"{spectrum.grey:,} grey pictures are not in it")
    if left_out:
        first, why = next(iter(left_out.items()))
        click.echo(f"{len(left_out):,} left out, such as {first}: {why}")
    fit, ends = found.fit, found.about["measured_to"]
    rows = [
        [
            axis,
            " ".join(f"{x:+.2f}" for x in found.basis[k]) if found.channels == 3 else "",
            f"{found.amplitude(0.1)[k]:.1f}",
            f"{fit.exponent[k]:.2f}",
            f"{fit.corner[k]:.4f}",
            f"{100 * fit.residual[k]:.0f}",
            f"{found.frequencies[0]:.3f} to {ends[k]:.3f}",
        ]
        for k, axis in enumerate(AXES[found.channels])
    ]
    header = ["axis", "R G B", "at 0.1", "exponent", "corner", "off by %", "measured"]
    click.echo(output.table(header, rows, right=(2, 3, 4, 5)))
    if "as_measured" in found.about:
        click.echo(
            "Most files keep colour at half the size: opponent colours are measured up to "
            f"{ends[1]:.3f} and follow the curve above."
        )
    click.echo(
        "amplitude: (f^2 + corner^2)^(-exponent/2); frequencies in cycles per pixel, the amplitude "
        f"at 0.1\nin grey levels of one cosine coefficient.\nFile: {path}"
    )

"""`invis train` and `invis evaluate`: the embedded networks, and any classifier's accuracy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from invis.cli import options, output
from invis.cli.bars import watched
from invis.progress import until_done

if TYPE_CHECKING:
    from invis.train.loop import TrainSnapshot

FOLDER = click.Path(path_type=Path)


@click.command(short_help="Train an embedded architecture; resumes after a kill.")
@click.argument("arch")
@click.option("--data", type=FOLDER, required=True, help="Images in ImageFolder layout.")
@click.option("--out", type=FOLDER, required=True, help="Folder of checkpoints and weights.")
@click.option("--epochs", type=int, help="The recipe's own number when left out.")
@click.option("--seed", default=0, show_default=True)
@click.option("--record", is_flag=True, help="Also save the trajectory of the training.")
@options.device
@click.option("--json", "as_json", is_flag=True, help="Print the card and nothing else.")
def train(
    arch: str,
    data: Path,
    out: Path,
    epochs: int | None,
    seed: int,
    record: bool,
    device: str | None,
    as_json: bool,
) -> None:
    """Train ARCH (minivgg or miniresnet) on a folder of images.

    The same command again goes on where a killed training stopped.
    """
    from invis.train import train_steps

    steps = train_steps(arch, data, out, epochs=epochs, seed=seed, record=record, device=device)
    (card,) = until_done(_told(steps, arch))
    if as_json:
        output.echo_json([card])
        return
    click.echo(f"{arch}, seed {seed}, {card['epochs']} epochs: {out / f'{arch}.safetensors'}")
    for key in ("top1", "top5"):
        if card.get(key) is not None:
            click.echo(f"{key}: {card[key]:.4f}")


def _told(steps: Iterator[TrainSnapshot], arch: str) -> Iterator[TrainSnapshot]:
    """A bar on a terminal, and a line an epoch on stderr."""
    from tqdm import tqdm

    for snapshot in watched(steps, arch):
        if snapshot.entry:
            tqdm.write(snapshot.summary, file=sys.stderr)
        yield snapshot


@click.command(short_help="Print top-1 and top-5 accuracy of a model.")
@click.argument("model")
@click.option("--data", type=FOLDER, required=True, help="Images in ImageFolder layout.")
@options.weights
@options.device
@options.as_json
def evaluate(
    model: str, data: Path, weights: str | None, device: str | None, as_json: bool
) -> None:
    """Measure how often MODEL names the right class, and how often among its first five."""
    from invis.train import evaluate as measure

    row = measure(model, data, weights=weights, device=device)
    if as_json:
        output.echo_json([row])
        return
    click.echo(f"{row['model']}, weights {row['weights']} ({row['weights_hash']})")
    click.echo(f"{row['images']} images: top-1 {row['top1']:.4f}, top-5 {row['top5']:.4f}")

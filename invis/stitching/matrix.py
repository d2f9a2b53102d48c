"""The stitching matrix: every encoder with every decoder, by every method, nulls included.

A decoder is trained on the space of its own encoder B and then reads encoder A. Nothing is trained
on the pair; what is trained is the decoder with its aggregation (on B alone) and, for translators,
a closed-form map between the anchors as A and B see them.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from xarray import Dataset

from invis.errors import InvisError
from invis.models.devices import pick_device
from invis.progress import Step, until_done
from invis.stitching.aggregation import AGGREGATIONS, CLASSES, TASKS, Decoders
from invis.stitching.anchors import STRATEGIES, choose_anchors
from invis.stitching.checks import choice
from invis.stitching.data import Data
from invis.stitching.heads import Recipe, predict, scores, train_decoders
from invis.stitching.latents import Latents
from invis.stitching.methods import Method, methods
from invis.stitching.side_by_side import side_by_side
from invis.stitching.table import Table
from invis.stitching.tokens import Tokens


@dataclass(frozen=True)
class StitchSettings:
    """Attributes:
    anchors: how many.
    strategy: how they are chosen; see `choose_anchors`.
    methods: rows of the table.
    tasks: `classification`, `reconstruction`.
    recipe: how decoders are trained.
    """

    anchors: int = 128
    strategy: str = "random"
    methods: tuple[Method, ...] = field(default_factory=methods)
    tasks: tuple[str, ...] = (CLASSES,)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        choice("strategy", self.strategy, STRATEGIES)
        for task in self.tasks:
            choice("task", task, TASKS)
        if not self.tasks or not self.methods:
            raise InvisError("tasks or methods is empty; a table needs at least one of each.")
        if self.anchors < 2:
            raise InvisError(f"anchors {self.anchors} is too few; at least 2 are needed.")


def stitch_steps(
    data: Data, latents: Latents, settings: StitchSettings | None = None, device: str | None = None
) -> Iterator[Step[Dataset]]:
    """Train the decoders of every encoder and cross them; one Dataset a task is finished.

    Args:
        data: targets of the decoders, and the inputs that anchors are chosen from.
        latents: what every encoder says of the images, for every seed.
        settings: methods, anchors, tasks.
        device: where decoders are trained.

    See `Table.dataset` for what each holds.

    Raises:
        InvisError: more anchors than training images.
    """
    asked = settings or StitchSettings()
    where = pick_device(device)
    inputs = data.train_images.reshape(len(data.train_images), -1)
    anchors = np.stack(
        [
            choose_anchors(
                inputs, asked.anchors, asked.strategy, labels=data.train_labels, seed=seed
            )
            for seed in latents.seeds
        ]
    )
    used = dict.fromkeys(name for method in asked.methods for name in method.similarities)
    tokens = Tokens(latents, anchors, list(used), where)
    kinds = list(dict.fromkeys(method.decoder for method in asked.methods))
    tables = [Table(data, latents, asked.methods, task) for task in asked.tasks]
    # The longest first, so that none is left to one core at the end.
    kinds.sort(key=_cost, reverse=True)
    parts = [(table, kind) for table in tables for kind in kinds]
    works = [_part_steps(data, tokens, asked, table, kind) for table, kind in parts]
    # A card works on one kind after the other; more than a few at once would only cost memory.
    workers = min(len(works), torch.get_num_threads(), 4) if where.type == "cpu" else 1
    done = [0.0] * len(parts)
    for i, fraction in side_by_side(works, workers):
        done[i] = fraction
        table, kind = parts[i]
        yield Step(sum(done) / len(done), f"{table.task}: {kind.label}")
    attrs = {"anchors": asked.anchors, "strategy": asked.strategy, "device": str(where)}
    results = [table.dataset().assign_attrs(attrs) for table in tables]
    yield Step(1.0, f"{len(parts)} kinds of decoders", results)


def stitch(
    data: Data, latents: Latents, settings: StitchSettings | None = None, device: str | None = None
) -> list[Dataset]:
    """`stitch_steps` run to the end."""
    return until_done(stitch_steps(data, latents, settings, device))


def _part_steps(
    data: Data, tokens: Tokens, asked: StitchSettings, table: Table, kind: Method
) -> Generator[float, None, None]:
    """Train the decoders of one kind and cross them by every method that uses them."""
    latents = tokens.latents
    train, test, outputs = _targets(data, table.task, tokens.device)
    rows = [method for method in asked.methods if method.decoder == kind]
    shapes = _of_one_shape(latents, kind)
    for i, members in enumerate(shapes):
        cells = [(s, e) for s in range(len(latents.seeds)) for e in members]
        steps = train_decoders(
            torch.stack([tokens.own(kind, s, e) for s, e in cells]),
            train,
            outputs=outputs,
            task=table.task,
            aggregation=kind.aggregation or "concatenation",
            seeds=[_seed(latents, kind, s, e) for s, e in cells],
            recipe=asked.recipe,
        )
        for step, decoders in steps:  # noqa: B007 (the last one is used)
            yield (i + 0.8 * step / max(asked.recipe.steps, 1)) / len(shapes)
        # Its own first: indices are relative to it.
        for method in dict.fromkeys((kind, *rows)):
            _cross(table, method, decoders, cells, tokens, test)
        yield (i + 1) / len(shapes)


def _cross(
    table: Table,
    method: Method,
    decoders: Decoders,
    cells: Sequence[tuple[int, int]],
    tokens: Tokens,
    targets: Tensor,
) -> None:
    """Score every encoder with the decoders of `cells` (seed, encoder) and fill the table."""
    for encoder in range(len(tokens.latents.names)):
        fed = [tokens.crossing(method, s, encoder, decoder) for s, decoder in cells]
        fitting = [x for x in fed if isinstance(x, Tensor)]
        if len(fitting) < len(fed):
            # Whether there are tokens depends on encoders, not on seeds, and decoders are grouped
            # by their widths: so all of `fed` are reasons, or none.
            for (_, decoder), reason in zip(cells, fed, strict=True):
                table.empty(method, encoder, decoder, str(reason))
            continue
        predicted = predict(decoders, fitting)
        values = scores(predicted, targets, table.task)
        for (s, decoder), value, output in zip(cells, values, predicted, strict=True):
            table.fill(method, s, encoder, decoder, float(value), output)


def _of_one_shape(latents: Latents, kind: Method) -> list[list[int]]:
    """Encoders whose decoders have one shape; only these can be trained in one stack."""
    everyone = list(range(len(latents.names)))
    if kind.similarities:
        return [everyone]
    widths = latents.widths
    return [[e for e in everyone if widths[e] == width] for width in dict.fromkeys(widths)]


def _cost(kind: Method) -> tuple[int, int]:
    return len(kind.similarities), AGGREGATIONS.index(kind.aggregation or AGGREGATIONS[0])


def _seed(latents: Latents, kind: Method, seed: int, encoder: int) -> int:
    """Depends on nothing but seed, encoder and method."""
    return zlib.crc32(f"{latents.seeds[seed]}/{latents.names[encoder]}/{kind.label}".encode())


def _targets(data: Data, task: str, device: torch.device) -> tuple[Tensor, Tensor, int]:
    if task == CLASSES:
        train, test = (
            torch.from_numpy(y).to(device) for y in (data.train_labels, data.test_labels)
        )
        return train, test, len(data.classes)
    train, test = (
        torch.from_numpy(np.array(x)).flatten(1).float().to(device) / 255
        for x in (data.train_images, data.test_images)
    )
    return train, test, train.shape[1]

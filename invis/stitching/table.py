"""The matrix as a labelled array, its summary, and its rows as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor
from xarray import Dataset

from invis.stitching.aggregation import CLASSES
from invis.stitching.data import Data
from invis.stitching.latents import Latents
from invis.stitching.methods import Method

EXAMPLES = 10


class Table:
    """Scores as they come in.

    Attributes:
        task: `classification` or `reconstruction`.
    """

    def __init__(self, data: Data, latents: Latents, methods: Sequence[Method], task: str) -> None:
        self.task = task
        self._data, self._latents, self._methods = data, latents, list(methods)
        count = len(latents.names)
        shape = (len(methods), len(latents.seeds), count, count)
        self._score = np.full(shape, np.nan)
        self._reason = np.full((len(methods), count, count), "", dtype=object)
        self._own: dict[tuple[Method, int, int], float] = {}
        _, first = np.unique(data.test_labels, return_index=True)
        self._examples = np.sort(first[:EXAMPLES])
        self._pictures: np.ndarray | None = None
        if task != CLASSES:
            pictures = (
                len(methods),
                count,
                count,
                len(self._examples),
                *data.test_images.shape[1:],
            )
            self._pictures = np.zeros(pictures, dtype=np.uint8)

    def fill(
        self, method: Method, seed: int, encoder: int, decoder: int, score: float, output: Tensor
    ) -> None:
        """Take the score of one cell; of the first seed's images also what they look like."""
        if encoder == decoder and method == method.decoder:
            self._own[method, seed, decoder] = score
        if method not in self._methods:
            return
        row = self._methods.index(method)
        self._score[row, seed, encoder, decoder] = score
        if self._pictures is not None and seed == 0:
            shown = output[self._examples].cpu().numpy()
            shape = (len(shown), *self._data.test_images.shape[1:])
            self._pictures[row, encoder, decoder] = np.round(255 * shown).reshape(shape)

    def empty(self, method: Method, encoder: int, decoder: int, reason: str) -> None:
        """Leave a cell empty, and say why."""
        if method in self._methods:
            self._reason[self._methods.index(method), encoder, decoder] = reason

    def dataset(self) -> Dataset:
        """All of it, labelled.

        Variables: `score` (technique, seed, encoder, decoder): accuracy, or RMS error in units of
        the pixel range; `index`: the stitching index score(A, B) / score(B, B), inverted for errors
        so that 1 is as good as B's own encoder; `reason` (technique, encoder, decoder): why a cell
        is empty, "" otherwise; for images `picture` (technique, encoder, decoder, example, row,
        column, colour) and `original`. Coordinates along technique (xarray's `sel` could not choose
        along a dimension called method): `kind`, `similarity`, `aggregation`, `null`. Attributes:
        task, data, chance (the score of the best constant answer), better (higher or lower).
        """
        index = np.full_like(self._score, np.nan)
        for row, method in enumerate(self._methods):
            for (kind, seed, decoder), own in self._own.items():
                if kind == method.decoder:
                    score = self._score[row, seed, :, decoder]
                    with np.errstate(divide="ignore", invalid="ignore"):
                        ratio = score / own if self.task == CLASSES else own / score
                    index[row, seed, :, decoder] = ratio
        cells = ("technique", "seed", "encoder", "decoder")
        names = list(self._latents.names)
        variables: dict[str, Any] = {
            "score": (cells, self._score),
            "index": (cells, index),
            "reason": (("technique", "encoder", "decoder"), self._reason.astype(str)),
        }
        if self._pictures is not None:
            image = ("example", "row", "column", "colour")
            variables["picture"] = (("technique", "encoder", "decoder", *image), self._pictures)
            variables["original"] = (image, self._data.test_images[self._examples])
        coordinates = {
            "technique": [method.label for method in self._methods],
            "seed": list(self._latents.seeds),
            "encoder": names,
            "decoder": names,
            "kind": ("technique", [method.method for method in self._methods]),
            "similarity": ("technique", ["+".join(m.similarities) for m in self._methods]),
            "aggregation": ("technique", [method.aggregation or "" for method in self._methods]),
            "null": ("technique", [method.null for method in self._methods]),
            "width": ("encoder", list(self._latents.widths)),
        }
        attributes = {
            "task": self.task,
            "data": self._data.name,
            "chance": self._chance(),
            "better": "higher" if self.task == CLASSES else "lower",
            "train_images": len(self._data.train_labels),
            "test_images": len(self._data.test_labels),
        }
        return Dataset(variables, coordinates, attributes)

    def _chance(self) -> float:
        if self.task == CLASSES:
            most = np.bincount(self._data.train_labels).argmax()
            return float((self._data.test_labels == most).mean())
        mean = self._data.train_images.mean(axis=0)
        return float(np.sqrt(np.square(self._data.test_images / 255 - mean / 255).mean()))


def summary(ds: Dataset) -> list[dict[str, Any]]:
    """One row a method, means over the cells, spread over the seeds.

    Keys: method, null, own (score of an encoder with its own decoder), stitched (of all other
    pairs), spread (standard deviation of `stitched` over seeds), index (mean over the other pairs),
    worst (smallest mean index of a pair), cells (how many other pairs have a score).
    """
    count = ds.sizes["encoder"]
    other = ~np.eye(count, dtype=bool)
    rows = []
    for i, label in enumerate(ds["technique"].values):
        score, index = ds["score"].values[i], ds["index"].values[i]
        own = _mean(np.diagonal(score, axis1=1, axis2=2))
        stitched = np.array([_mean(one[other]) for one in score])
        pairs = [_mean(index[:, a, b]) for a, b in zip(*np.nonzero(other), strict=True)]
        known = [value for value in pairs if math.isfinite(value)]
        rows.append(
            {
                "method": str(label),
                "null": bool(ds["null"].values[i]),
                "own": own,
                "stitched": _mean(stitched),
                "spread": float(stitched.std(ddof=1)) if len(stitched) > 1 else math.nan,
                "index": _mean(np.array(known)),
                "worst": min(known, default=math.nan),
                "cells": len(known),
            }
        )
    return rows


def records(ds: Dataset) -> list[dict[str, Any]]:
    """The cells as JSON: means over the seeds; None where a cell is empty, then with its reason."""
    score, index = (
        ds["score"].mean("seed", skipna=False).values,
        ds["index"].mean("seed", skipna=False).values,
    )
    rows = []
    for i in range(ds.sizes["technique"]):
        for a, encoder in enumerate(ds["encoder"].values):
            for b, decoder in enumerate(ds["decoder"].values):
                row = {
                    "method": str(ds["kind"].values[i]),
                    "similarity": str(ds["similarity"].values[i]) or None,
                    "aggregation": str(ds["aggregation"].values[i]) or None,
                    "anchors": int(ds.attrs["anchors"]),
                    "encoder": str(encoder),
                    "decoder": str(decoder),
                    "task": str(ds.attrs["task"]),
                    "score": _plain(score[i, a, b]),
                    "index": _plain(index[i, a, b]),
                    "null": bool(ds["null"].values[i]),
                }
                reason = str(ds["reason"].values[i, a, b])
                rows.append(row | {"reason": reason} if reason else row)
    return rows


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan

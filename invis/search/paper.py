"""The weighted objective of Cadena et al. (ECCV 2018), kept for comparison.

    loss = -mean_i fraction_i - weight * min_(i, j) d(x_i, x_j)

over the images of a unit, with fraction = (f - g) / (a* - g) and d the RMS distance of a pair, in
pixels or in features, over that of the reference from grey: the weight is in units of (a* - g)
over R. As in the authors' code every image starts as white noise and is brought back to norm R
after every step of Adam (learning rate 1 in grey levels), the gradient is smoothed in the Fourier
domain, and the search stops when the running mean (0.9) of the loss has not improved for 100
steps, after 2000 at most. They set the weight by hand; here it begins large and is halved, and the
search goes on from where it is, whenever it stops with an image below the activation floor. Where
that does not help either, the result says so: `converged` is False and `fraction_min` is what it
is.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from invis.models.unit import Units
from invis.search.engine import Batch, Snapshot, batch_steps, search_sets
from invis.search.settings import Settings
from invis.search.sphere import unit
from invis.search.weighted import WeightedSets

MOST_STEPS, USUAL_STEPS = 2000, 1000


def paper_steps(units: Units, settings: Settings) -> Generator[Snapshot, None, None]:
    """Search the sets of all units of a batch with the paper's objective."""
    batch = yield from batch_steps(units, settings)
    if len(batch.alive):
        yield from search_sets(batch, start_noise(batch), MOST_STEPS, USUAL_STEPS)


def start_noise(batch: Batch) -> WeightedSets:
    """Sets of white Gaussian noise, its part inside the band brought to norm R."""
    problem, settings, units = batch.problem, batch.settings, batch.alive
    shape = (settings.images, *problem.metric.shape)
    noise = [
        torch.randn(shape, generator=batch.generators[k], dtype=torch.float32)
        for k in units.tolist()
    ]
    v = unit(problem.metric.vectors(torch.cat(noise).to(problem.device)))

    def points(v: Tensor) -> Tensor:
        if batch.features is None:
            return v
        found = batch.features(problem.image(v))
        return found / found.shape[1] ** 0.5

    return WeightedSets(
        problem,
        points,
        settings.alpha,
        settings.images,
        units,
        batch.maxima.best[units],
        batch.maxima.reference[units],
        problem.inside(v),
    )

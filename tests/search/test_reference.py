"""The reference of units whose maximum is known in closed form."""

import pytest
import torch

from invis.models.unit import Units
from invis.search.band import Band, full_band
from invis.search.engine import RESTARTS, unit_generator
from invis.search.pixels import Pixels
from invis.search.problem import Problem
from invis.search.reference import Maxima, maxima_steps
from tests.search.networks import affine, energy, gabor, noise


def maxima(units: Units, contrast: float, high: float | None = None) -> tuple[Problem, Maxima]:
    shape = units.image_shape
    band = Band(shape, 0, full_band(shape) if high is None else high)
    problem = Problem(units, Pixels(band, contrast))
    generators = [unit_generator(0, address) for address in units.addresses]
    *climbs, found = maxima_steps(problem, generators, RESTARTS)
    shares = [climb.done for climb in climbs]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert isinstance(found, Maxima)
    return problem, found


@pytest.mark.parametrize("high", [None, 2.5])
@pytest.mark.parametrize("bias", [0.0, 3.0, -3.0])
def test_a_linear_unit_has_its_maximum_along_its_filter_inside_the_band(high, bias):
    filters = noise(3)
    problem, found = maxima(affine(filters, bias), 10.0, high)
    inside = problem.metric.band.coefficients(filters)
    expected = problem.metric.radius * inside.norm(dim=1) + bias
    torch.testing.assert_close(found.best, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.free_values, expected, rtol=1e-5, atol=1e-5)
    cosine = torch.cosine_similarity(found.reference, inside, dim=1)
    torch.testing.assert_close(cosine, torch.ones(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("strength", [1.0, 0.7, 0.3])
def test_a_quadratic_form_of_rank_2_has_its_largest_eigenvalue_as_maximum(strength):
    filters = noise(2, seed=4) + 0.5 * noise(1, seed=5)
    filters[1] *= strength
    problem, found = maxima(energy(filters), 10.0)
    rows = filters.flatten(1).double()
    largest = torch.linalg.eigvalsh(rows @ rows.T)[-1] * problem.metric.radius**2
    assert float(found.best) == pytest.approx(float(largest), rel=1e-4)


def test_the_pixel_range_lowers_the_reference_but_not_the_free_one():
    filters = gabor()
    problem, found = maxima(affine(filters), 60.0)
    assert float(found.free_values) == pytest.approx(problem.metric.radius, rel=1e-4)
    # The largest w.x of norm R inside a box is a clipped multiple of w.
    scale = torch.linspace(1, 20, 20000)[:, None] * problem.metric.radius
    clipped = (scale * filters.flatten(1)).clamp(float(problem.low[0]), float(problem.high[0]))
    exact = clipped[(clipped.norm(dim=1) - problem.metric.radius).abs().argmin()]
    best = float(exact @ filters.flatten())
    assert best < 0.9 * problem.metric.radius
    assert float(found.best) == pytest.approx(best, rel=0.02)
    x = problem.image(found.reference)
    assert float(x.norm()) == pytest.approx(problem.metric.radius, rel=1e-4)
    outside = x - x.clamp(problem.low, problem.high)
    assert float(outside.norm()) < 0.05 * problem.metric.radius


def test_every_restart_ends_where_its_value_says():
    problem, found = maxima(energy(noise(3)), 10.0)
    index = torch.zeros(found.values.shape[1], dtype=torch.long)
    torch.testing.assert_close(problem.value(found.vectors[0], index), found.values[0])
    assert (found.values <= found.best[:, None]).all()

"""The push drives a set apart as the gradient of a repulsive energy does."""

import numpy as np
import torch

from invis.search.null import nearest, pairwise
from invis.search.sphere import dot, nearest_distance, neighbour_weights, push, tangent, unit


def points(sets: int = 2, images: int = 6, size: int = 9, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    v = torch.randn(sets * images, size, generator=draw, dtype=torch.float64)
    return unit(v).view(sets, images, size)


def test_unit_vectors_have_norm_1_and_zero_stays_finite():
    v = unit(torch.tensor([[3.0, 4.0], [1e-12, 0.0], [0.0, 0.0]]))
    assert v.norm(dim=1).tolist() == [1.0, 1.0, 0.0]
    assert v[0].tolist() == [torch.tensor(0.6), torch.tensor(0.8)]


def test_a_tangent_is_orthogonal_to_its_point_and_keeps_the_rest():
    v, g = points(1)[0], points(1, seed=1)[0]
    t = tangent(g, v)
    torch.testing.assert_close(dot(t, v), torch.zeros(6, dtype=torch.float64))
    torch.testing.assert_close(t + dot(g, v)[:, None] * v, g)


def test_weights_are_shares_among_the_others_and_the_nearest_has_most():
    sets = points()
    weights = neighbour_weights(sets, sets)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 6, dtype=torch.float64))
    assert (weights.diagonal(dim1=1, dim2=2) == 0).all()
    for rows, share in zip(sets.numpy(), weights.numpy(), strict=True):
        apart = pairwise(rows) + np.diag(np.full(6, np.inf))
        assert (share.argmax(1) == apart.argmin(1)).all()


def test_the_push_points_down_the_gradient_of_the_energy():
    power = 12.0
    sets = points(1).requires_grad_()
    distances = torch.nn.functional.pdist(sets[0])
    (gradient,) = torch.autograd.grad((distances**-power).sum(), sets)
    moved = push(sets.detach(), sets.detach(), power)
    cosine = torch.cosine_similarity(moved[0], -gradient[0], dim=1)
    torch.testing.assert_close(cosine, torch.ones(6, dtype=torch.float64))


def test_two_images_are_pushed_straight_apart():
    pair = points(1, images=2)
    moved = push(pair, pair)
    torch.testing.assert_close(moved[0, 0], pair[0, 0] - pair[0, 1])
    torch.testing.assert_close(moved[0, 1], pair[0, 1] - pair[0, 0])


def test_small_pushes_make_the_smallest_distance_grow():
    sets = points()
    for _ in range(20):
        moved = unit(sets + 0.02 * tangent(push(sets, sets), sets))
        before, after = (torch.stack([torch.pdist(s).min() for s in x]) for x in (sets, moved))
        assert (after > before).all()
        sets = moved


def test_images_at_the_same_place_do_not_make_numbers_that_are_none():
    same = torch.ones(1, 4, 5) / 5**0.5
    assert torch.isfinite(push(same, same)).all()


def test_nearest_distance_is_the_mean_over_the_images():
    sets = points(sets=3)
    expected = [nearest(pairwise(rows)).mean() for rows in sets.numpy()]
    np.testing.assert_allclose(nearest_distance(sets).numpy(), expected, rtol=1e-6)

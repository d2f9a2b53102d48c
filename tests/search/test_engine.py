"""Searches of small networks: what they find, refuse, repeat and survive."""

import itertools
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

import invis
from invis.errors import InvisError
from invis.models.unit import Units
from invis.search import search, search_steps
from invis.search.metric import METRICS, metric_of
from tests.search.networks import affine, energy, gabor, noise, small_units

TOLERANCE = 1.0005
VOLATILE = ("seconds",)


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """Equal bit for bit, but for the time that it took."""
    a, b = (ds.assign_attrs({key: 0 for key in VOLATILE}) for ds in (a, b))
    xr.testing.assert_identical(a, b)


# What a linear unit allows, and no more


@pytest.mark.parametrize("alpha", [0.7, 0.8, 0.9, 0.98])
@pytest.mark.parametrize("images", [4, 8, 16])
@pytest.mark.parametrize("metric", METRICS)
def test_a_linear_unit_reaches_its_null_and_does_not_exceed_it(metric, alpha, images):
    asked = {"images": images, "alpha": alpha, "contrast": 8, "metric": metric}
    for ds in search(affine(noise(2)), **asked):
        assert 0.97 <= ds.attrs["index"] <= TOLERANCE
        assert 0.97 <= ds.attrs["spread"] <= TOLERANCE
        assert ds.attrs["converged"]
        assert not ds.attrs["dead"]
        # Rounding to 8 bits moves a response by 0.3 |w|, of 8 sqrt(192) |w|.
        assert ds.attrs["fraction_min"] >= alpha - 0.003
        assert ds.attrs["saturated"] == 0
        assert ds.attrs["full_model_error"] < 5e-3


FLOORS, SIZES, BIASES = (0.7, 0.8, 0.9, 0.98), (4, 8, 16), (-0.5, 0.0, 0.5)
SOME = [(0.7, 16, 0.5), (0.9, 8, -0.5), (0.9, 8, 0.0), (0.9, 8, 0.5), (0.98, 4, -0.5)]
OTHERS = [one for one in itertools.product(FLOORS, SIZES, BIASES[1:2]) if one not in SOME]


@pytest.mark.parametrize(
    ("alpha", "images", "bias"),
    [*SOME, *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHERS)],
)
@pytest.mark.parametrize(("metric", "clipped"), [("natural", 24), ("pixels", 60)])
def test_an_affine_unit_exceeds_its_null_neither_with_a_bias_nor_where_the_range_clips(
    metric, clipped, alpha, images, bias
):
    asked = {"metric": metric, "alpha": alpha, "images": images}
    for contrast, filters in ((10, noise(1, 10)), (12, gabor()), (clipped, gabor())):
        radius = contrast * math.sqrt(filters[0].numel())
        (ds,) = search(affine(filters, bias * radius), contrast=contrast, **asked)
        assert 0.25 < ds.attrs["index"] <= TOLERANCE
        assert 0.25 < ds.attrs["spread"] <= TOLERANCE
        assert ds.attrs["fraction_min"] >= alpha - 0.005
    assert ds.attrs["saturated"] > 0.01
    assert ds.attrs["reference"] < 0.95 * ds.attrs["free_reference"]
    assert ds.attrs["beta"] < ds.attrs["fraction_mean"]


def test_an_invariant_unit_exceeds_the_null():
    pair = torch.cat([gabor(), gabor(phase=math.pi / 2)])
    (ds,) = search(energy(pair), metric="pixels")
    assert ds.attrs["index"] > 1.2
    assert ds.attrs["spread"] > 2
    assert ds.attrs["fraction_min"] >= 0.895


@pytest.mark.parametrize("metric", METRICS)
def test_a_result_says_the_same_as_its_vectors_and_its_images(metric):
    (ds,) = search(affine(gabor()), images=6, contrast=10, metric=metric)
    v = ds.vectors.values.astype(float)
    np.testing.assert_allclose(np.linalg.norm(v, axis=1), 1, rtol=1e-5)
    distances = np.linalg.norm(v[:, None] - v[None], axis=-1)
    off = distances[~np.eye(6, dtype=bool)].reshape(6, 5)
    assert ds.attrs["distance"] == pytest.approx(off.min(1).mean())
    assert ds.attrs["rms_distance"] == pytest.approx(math.sqrt((off**2).mean()))
    np.testing.assert_allclose(ds.nearest, off.min(1), rtol=1e-6)
    null = math.sqrt(2 / (6 * 5) * (36 - (6 * ds.attrs["beta"]) ** 2))
    assert ds.attrs["null_distance"] == pytest.approx(null, rel=1e-5)
    assert ds.attrs["index"] == pytest.approx(ds.attrs["distance"] / ds.attrs["null_distance"])
    assert ds.attrs["spread"] == pytest.approx(ds.attrs["rms_distance"] / ds.attrs["null_distance"])
    x = ds.images.values.astype(float) - 128
    exact = metric_of(ds, (3, *x.shape[1:3])).image(torch.as_tensor(ds.vectors.values))
    assert np.abs(x - exact.permute(0, 2, 3, 1).numpy()).max() < 1
    w = gabor()[0].permute(1, 2, 0).flatten().double().numpy()
    x = x.reshape(6, -1)
    np.testing.assert_allclose(ds.activation, x @ w, rtol=1e-4)
    best = (ds.reference_image.values.flatten().astype(float) - 128) @ w
    assert ds.attrs["reference"] == pytest.approx(best, rel=1e-4)
    np.testing.assert_allclose(ds.fraction, x @ w / best, rtol=1e-4)
    assert ds.attrs["fraction_min"] == pytest.approx(float(ds.fraction.min()), rel=1e-4)
    contrast = np.sqrt((x**2).mean(1)).mean()
    assert ds.attrs["pixel_contrast"] == pytest.approx(contrast, rel=1e-6)


def test_images_of_one_channel_can_be_searched():
    (ds,) = search(affine(noise(1, 10, channels=1)), images=4)
    assert ds.images.shape == (4, 10, 10, 1)
    assert 0.95 <= ds.attrs["index"] <= TOLERANCE


# Units that cannot be searched


def test_a_dead_unit_is_reported_dead_without_an_index_and_the_others_are_searched():
    units = affine(noise(3), torch.tensor([0.0, -1e6, 0.0]))
    first, dead, last = search(units, images=4)
    assert dead.attrs["dead"]
    assert math.isnan(dead.attrs["index"])
    assert math.isnan(dead.attrs["spread"])
    assert "dead" in dead.attrs["index_reason"]
    assert dead.images.shape == first.images.shape
    for ds in (first, last):
        assert not ds.attrs["dead"]
        assert ds.attrs["index"] > 0.95


def test_a_unit_that_ignores_the_image_altogether_has_no_index():
    (ds,) = search(affine(torch.zeros(1, 3, 8, 8), 5.0), images=4)
    assert ds.attrs["dead"]
    assert math.isnan(ds.attrs["index"])
    assert ds.attrs["index_reason"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("objective", ["set", "paper"])
def test_weights_that_are_no_numbers_stop_the_search_with_a_sentence(bad, objective):
    filters = noise(3)
    filters[1, 0, 0, 0] = bad
    with pytest.raises(
        InvisError, match=r"Filters/filters/\d responds with NaN or infinity"
    ) as told:
        search(affine(filters), images=4, objective=objective)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": 1}, "images is 1: a set needs at least 2"),
        ({"images": -3}, "images is -3"),
        ({"alpha": 1.5}, "alpha is 1.5: use a fraction between 0 and 1"),
        ({"alpha": 0}, "alpha is 0"),
        ({"activation": math.nan}, "alpha is nan"),
        ({"contrast": 0}, "contrast is 0: use an RMS contrast between 0 and 128"),
        ({"contrast": -5}, "contrast is -5"),
        ({"contrast": math.inf}, "contrast is inf"),
        ({"contrast": 300}, "contrast is 300"),
        ({"objective": "best"}, "objective 'best' is unknown: use set or paper"),
        ({"steps": 5}, "setting 'steps' is unknown: use images, alpha"),
        ({"alpha": 0.8, "activation": 0.9}, "alpha and activation are one setting"),
        ({"images": 2.5}, "images is 2.5: a set needs"),
        ({"band": "9"}, "band '9' is not LOW:HIGH"),
        ({"band": (50, 60)}, "band 50:60 holds no frequency"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_work(arguments, sentence, monkeypatch):
    monkeypatch.setattr(Units, "responses", lambda *_: pytest.fail("the network was run"))
    with pytest.raises(InvisError) as told:
        next(search_steps(affine(noise(1)), **arguments))
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


# The same again


def test_the_same_seed_gives_the_same_set_bit_for_bit_and_another_seed_another():
    units = small_units([0, 1])
    first, again, other = (search(units, images=4, seed=seed) for seed in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        same(a, b)
        assert (a.images != c.images).any()


def test_also_while_another_search_runs_in_a_second_thread():
    units = small_units([0, 1])
    alone = search(units, images=4)
    stop, found = threading.Event(), []

    def keep_searching() -> None:
        while not stop.is_set():
            found.extend(search(small_units([5], seed=3), images=4, seed=7))

    thread = threading.Thread(target=keep_searching)
    thread.start()
    try:
        beside = search(units, images=4)
    finally:
        stop.set()
        thread.join()
    for a, b in zip(alone, beside, strict=True):
        same(a, b)
    for a in found:
        same(a, found[0])


def test_the_global_random_numbers_are_neither_used_nor_moved():
    units = small_units([0])
    torch.manual_seed(1)
    before = torch.get_rng_state()
    (a,) = search(units, images=4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    (b,) = search(units, images=4)
    same(a, b)


def test_a_unit_fares_alike_in_another_batch():
    together = {ds.attrs["address"]: ds for ds in search(small_units(list(range(6))))}
    assert [ds.attrs["batch"] for ds in together.values()] == [6] * 6
    for channel in (1, 4):
        (alone,) = search(small_units([channel]))
        other = together[alone.attrs["address"]]
        assert alone.attrs["batch"] == 1
        assert alone.attrs["index"] == pytest.approx(other.attrs["index"], abs=0.03)


# Step by step


def test_snapshots_tell_how_far_it_is_and_bring_every_unit_once():
    snapshots = list(search_steps(small_units([0, 1, 2]), images=4))
    shares = [s.fraction_done for s in snapshots]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert [s.phase for s in snapshots if s.phase == "reference"]
    found = [ds.attrs["address"] for s in snapshots for ds in s.finished]
    assert sorted(found) == sorted(small_units([0, 1, 2]).addresses)
    for ds in (ds for s in snapshots for ds in s.finished):
        assert ds.course_distance[-1] >= ds.course_distance[0]
        assert (np.diff(ds.step) > 0).all()
        assert ds.attrs["steps"] >= int(ds.step[-1])
        assert ds.course_fraction_min[-1] == pytest.approx(ds.attrs["fraction_min"], abs=0.01)


@pytest.mark.parametrize("objective", ["set", "paper"])
def test_a_preview_is_the_set_that_would_be_measured_now(objective):
    seen = set()
    steps = search_steps(small_units([0, 1]), images=4, objective=objective)
    for snapshot in itertools.islice(steps, 100):
        for shown in snapshot.previews():
            assert shown.images.shape == (4, *shown.reference.shape)
            assert shown.fractions.max() <= 1 + 1e-4
            seen.add(snapshot.phase)
        if snapshot.phase == "set":
            break
    assert seen == {"reference", "set"}
    for shown, measured in zip(snapshot.previews(), snapshot.results(), strict=True):
        assert shown.address == measured.attrs["address"]
        # A result puts similar images side by side; a preview leaves every image in its place.
        assert sorted(shown.fractions) == pytest.approx(sorted(measured.fraction.values), abs=0.03)
        nearest = [
            np.abs(measured.images.values.astype(int) - image).max(axis=(1, 2, 3)).min()
            for image in shown.images
        ]
        assert max(nearest) <= 2
        assert [row[0] for row in shown.course] == measured.step.values.tolist()


def test_results_come_in_the_order_of_the_units():
    units = small_units([3, 0, 2])
    assert [ds.attrs["address"] for ds in search(units, images=4)] == list(units.addresses)


def test_closing_the_generator_cancels(monkeypatch):
    calls = count_calls(monkeypatch)
    steps = search_steps(small_units([0]), images=4)
    while next(steps).phase != "set":
        pass
    steps.close()
    done = len(calls)
    assert done > 0
    with pytest.raises(StopIteration):
        next(steps)
    assert len(calls) == done


def test_what_was_found_so_far_can_be_measured_at_any_time():
    steps = search_steps(small_units([0, 1]), images=4)
    snapshot = next(s for s in steps if s.phase == "set")
    partial = snapshot.results()
    assert [ds.attrs["address"] for ds in partial] == list(small_units([0, 1]).addresses)
    for ds in partial:
        assert not ds.attrs["converged"]
        assert ds.attrs["fraction_min"] >= 0.895
    steps.close()


# Memory


@contextmanager
def memory_for(images: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A device that holds so many images at once; yields the batch sizes that it was given."""
    sizes: list[int] = []
    inner = Units.responses

    def responses(self: Units, x: Tensor, index: Tensor) -> Tensor:
        sizes.append(len(x))
        if len(x) > images:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return inner(self, x, index)

    with monkeypatch.context() as patch:
        patch.setattr(Units, "responses", responses)
        yield sizes


def test_a_batch_that_does_not_fit_is_halved_until_it_does(monkeypatch):
    units = small_units([0, 1])
    plenty = search(units, images=6)
    with memory_for(10, monkeypatch) as sizes:
        little = search(units, images=6)
    assert max(sizes) > 10
    assert sum(size > 10 for size in sizes) <= 5
    for a, b in zip(plenty, little, strict=True):
        assert b.attrs["index"] == pytest.approx(a.attrs["index"], abs=0.03)
        assert b.attrs["reference"] == pytest.approx(a.attrs["reference"], rel=1e-3)
        assert b.attrs["fraction_min"] >= 0.895


def test_the_maxima_do_not_depend_on_the_size_of_the_micro_batches(monkeypatch):
    units = affine(noise(3))
    plenty = search(units, images=4)
    with memory_for(16, monkeypatch):
        little = search(units, images=4)
    for a, b in zip(plenty, little, strict=True):
        # Another batch size may round the last bits of a response, and so a pixel, the other way.
        apart = a.reference_image.astype(int) - b.reference_image.astype(int)
        assert abs(apart).max() <= 1
        assert b.attrs["index"] == pytest.approx(a.attrs["index"], abs=2e-3)


def test_a_device_with_no_room_at_all_is_told_in_a_sentence(monkeypatch):
    with (
        memory_for(3, monkeypatch),
        pytest.raises(InvisError, match=r"device 'cpu' has too little free memory") as told,
    ):
        search(small_units([0]), images=4)
    assert "\n" not in str(told.value)


def test_other_errors_of_the_network_come_through(monkeypatch):
    def fail(*_: Any) -> Tensor:
        raise RuntimeError("the network itself is wrong")

    monkeypatch.setattr(Units, "responses", fail)
    with pytest.raises(RuntimeError, match="the network itself is wrong"):
        search(small_units([0]), images=4)


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    inner = Units.responses

    def responses(self: Units, x: Tensor, index: Tensor) -> Tensor:
        calls.append(len(x))
        return inner(self, x, index)

    monkeypatch.setattr(Units, "responses", responses)
    return calls


def test_the_package_itself_can_be_called():
    (ds,) = invis.search(affine(noise(1)), images=2)
    assert ds.sizes["image"] == 2

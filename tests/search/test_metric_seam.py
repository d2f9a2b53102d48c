"""A metric is one class: another one needs no change anywhere else."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

import invis
from invis.errors import InvisError
from invis.search.again import settings_of
from invis.search.band import Band, full_band
from invis.search.metric import METRICS, metric_of
from invis.search.morph import morph
from invis.search.settings import Settings
from tests.search.networks import affine, energy, gabor, noise

SHAPES = [(3, 9, 9), (1, 8, 11)]


class Fovea:
    """Pixels count less the farther they lie from the centre; the band is left alone."""

    def __init__(self, band: Band, contrast: float, width: float) -> None:
        self.band, self.shape, self.contrast, self.width = band, band.shape, contrast, width
        self.size = math.prod(band.shape)
        rows, columns = (torch.linspace(-1, 1, side) for side in band.shape[1:])
        fall = torch.exp(-(rows[:, None] ** 2 + columns**2) / (2 * width**2))
        self._scale = (fall / fall.square().mean().sqrt()) * contrast * math.sqrt(self.size)

    @classmethod
    def usual_contrast(cls, shape: tuple[int, int, int]) -> float:
        return 10.0

    @classmethod
    def build(cls, band: Band, contrast: float | None, source: str) -> Self:
        return cls(band, contrast or cls.usual_contrast(band.shape), 1.5)

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: tuple[int, int, int]) -> Self:
        return cls(Band.from_attrs(attrs, shape), attrs["contrast"], attrs["fovea_width"])

    def attrs(self) -> dict[str, Any]:
        own = {"metric": "fovea", "contrast": self.contrast, "fovea_width": self.width}
        return own | self.band.attrs()

    def to(self, device: torch.device) -> Self:
        self._scale = self._scale.to(device)
        return self

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.size, generator=generator)

    def image(self, v: Tensor) -> Tensor:
        return v.view(-1, *self.shape) * self._scale

    def vectors(self, x: Tensor) -> Tensor:
        return (x / self._scale).flatten(1)

    def pull(self, x: Tensor) -> Tensor:
        return (x * self._scale).flatten(1)


@pytest.fixture
def fovea() -> Iterator[None]:
    METRICS["fovea"] = Fovea
    yield
    del METRICS["fovea"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [*METRICS.values(), Fovea])
def test_a_metric_is_what_its_protocol_says(kind, shape):
    source = next((name for name, one in METRICS.items() if one is kind), "fovea")
    for top, contrast in ((full_band(shape), None), (0.6 * full_band(shape), 7.5)):
        metric = kind.build(Band(shape, 0, top), contrast, source)
        assert metric.contrast == (contrast or kind.usual_contrast(shape))
        draw = torch.Generator().manual_seed(0)
        v = torch.randn(3, metric.size, generator=draw)
        x = torch.randn(3, *shape, generator=draw)
        assert metric.image(v).shape == (3, *shape) and (metric.image(0 * v) == 0).all()
        torch.testing.assert_close(metric.vectors(metric.image(v)), v, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(
            (metric.image(v) * x).sum((1, 2, 3)), (v * metric.pull(x)).sum(1), rtol=1e-3, atol=1e-2
        )
        basis = metric.image(torch.eye(metric.size))
        power = basis.square().sum() / metric.size / math.prod(shape)
        assert float(power.sqrt()) == pytest.approx(metric.contrast, rel=1e-4)
        same = kind.from_attrs(metric.attrs(), shape)
        assert same.attrs() == metric.attrs()
        # Statistics are told in five digits.
        torch.testing.assert_close(same.image(v), metric.image(v), rtol=1e-4, atol=1e-2)
        assert metric.attrs()["metric"].partition(":")[0] == source
        assert metric.noise(4, draw).shape == (4, metric.size)


def test_another_metric_is_searched_saved_loaded_and_morphed(fovea, tmp_path):
    (ds,) = invis.search(energy(torch.cat([gabor(), gabor(phase=1.5)])), images=4, metric="fovea")
    assert ds.attrs["metric"] == "fovea" and ds.attrs["index"] > 1
    assert settings_of(ds) == Settings(images=4, metric="fovea")
    invis.save(ds, tmp_path / "set.nc")
    again = invis.load(tmp_path / "set.nc")
    xr.testing.assert_identical(again, ds)
    x = metric_of(again, (3, 12, 12)).image(torch.as_tensor(again["vectors"].values))
    deviations = again["images"].values.astype(float) - 128
    assert np.abs(x.permute(0, 2, 3, 1).numpy() - deviations).max() < 1
    found = morph(again, frames=5, units=energy(torch.cat([gabor(), gabor(phase=1.5)])))
    assert found.attrs["metric"] == "fovea" and found.attrs["fovea_width"] == 1.5
    assert found.attrs["path_fraction_min"] > found.attrs["straight_fraction_min"] - 1e-6


def test_the_null_of_a_linear_unit_holds_in_another_metric(fovea):
    for ds in invis.search(affine(noise(2)), images=4, metric="fovea"):
        assert 0.97 <= ds.attrs["index"] <= 1.0005 and 0.97 <= ds.attrs["spread"] <= 1.0005


def test_a_result_in_a_metric_that_nobody_registered_says_which(fovea):
    (ds,) = invis.search(affine(noise(1)), images=2, metric="fovea")
    del METRICS["fovea"]
    with pytest.raises(InvisError, match="made in the metric 'fovea': register it in METRICS"):
        metric_of(ds, (3, 8, 8))
    METRICS["fovea"] = Fovea

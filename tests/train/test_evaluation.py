import numpy as np
import pytest
import torch
from torch import nn

import invis.train
from invis.errors import InvisError
from invis.train.evaluation import topk_hits


@pytest.mark.parametrize("k", [1, 2, 5])
def test_topk_against_numpy(k):
    rng = np.random.default_rng(k)
    logits, labels = rng.normal(size=(200, 10)), rng.integers(0, 10, 200)
    ranked = np.argsort(-logits, axis=1)[:, :k]
    expected = int((ranked == labels[:, None]).any(axis=1).sum())
    assert topk_hits(torch.from_numpy(logits), torch.from_numpy(labels), k) == expected


class Brightest(nn.Module):
    """Knows the coloured noise: the class is the brightest channel, plus a constant if blinded."""

    def __init__(self, classes: int = 3, favourite: int | None = None) -> None:
        super().__init__()
        self.classes, self.favourite = classes, favourite

    def forward(self, x):
        logits = torch.zeros(len(x), self.classes)
        logits[:, :3] = x.mean(dim=(2, 3))
        if self.favourite is not None:
            logits[:, self.favourite] += 100
        return logits


def test_perfect_and_blind_classifiers_score_as_they_must(dataset):
    perfect = invis.train.evaluate(Brightest(), dataset)
    blind = invis.train.evaluate(Brightest(favourite=1), dataset / "val")
    assert perfect["top1"] == 1 and perfect["images"] == 30
    assert blind["top1"] == pytest.approx(1 / 3, abs=1e-4)
    assert set(perfect) == {
        "model", "weights", "weights_hash", "images", "top1", "top5", "seconds"
    }  # fmt: skip


def test_module_keeps_its_mode(dataset):
    net = Brightest().train()
    invis.train.evaluate(net, dataset)
    assert net.training


def test_another_number_of_classes_is_refused(dataset):
    with pytest.raises(InvisError, match=r"3 classes.*model has 7"):
        invis.train.evaluate(Brightest(classes=7), dataset)


def test_untrained_network_of_the_zoo_is_refused_on_three_classes(dataset):
    with pytest.raises(InvisError, match="model has 100"):
        invis.train.evaluate("minivgg", dataset, weights="none")

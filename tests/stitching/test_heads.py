"""Decoders trained in a stack are those trained alone, and learn what can be learnt."""

import pytest
import torch

from invis.errors import InvisError
from invis.stitching.aggregation import AGGREGATIONS, Decoders
from invis.stitching.heads import Adam, Recipe, predict, scores, train_decoders


def trained(tokens, targets, seeds, aggregation="concatenation", steps=40, **more):
    outputs, task = more.get("outputs", 3), more.get("task", "classification")
    steps = train_decoders(
        tokens, targets, outputs=outputs, task=task, aggregation=aggregation, seeds=seeds,
        recipe=Recipe(hidden=16, steps=steps, batch=32),
    )  # fmt: skip
    return list(steps)[-1][1]


@pytest.fixture
def problem():
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 300, 3, 10, generator=draw)
    labels = tokens[0, :, 1, :3].argmax(dim=1)
    tokens[1] = tokens[0].flip(-1)
    return tokens, labels


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_stack_is_so_many_separate_trainings(problem, aggregation):
    tokens, labels = problem
    together = predict(trained(tokens, labels, (5, 6), aggregation), tokens)
    for g in range(2):
        alone = predict(
            trained(tokens[g : g + 1], labels, (5 + g,), aggregation), tokens[g : g + 1]
        )
        assert torch.allclose(together[g], alone[0], atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_aggregation_finds_the_space_that_knows(problem, aggregation):
    tokens, labels = problem
    decoders = trained(tokens, labels, (0, 1), aggregation, steps=150)
    assert scores(predict(decoders, tokens), labels, "classification").min() > 0.9
    assert not any(p.requires_grad for p in decoders.parameters())


def test_images_are_drawn_inside_the_pixel_range(problem):
    tokens, _ = problem
    pixels = torch.sigmoid(tokens[0, :, 0, :5])
    decoders = trained(tokens, pixels, (0, 1), steps=300, outputs=5, task="reconstruction")
    output = predict(decoders, tokens)
    assert output.min() >= 0 and output.max() <= 1
    constant = scores(pixels.mean(dim=0).expand(1, 300, 5), pixels, "reconstruction")[0]
    assert scores(output, pixels, "reconstruction").max() < 0.6 * constant


def test_attention_mixes_the_spaces_and_the_sum_does_not(problem):
    tokens, _ = problem
    for aggregation, mixes in (("sum", False), ("attention", True)):
        decoder = Decoders(aggregation, 3, 10, 3, "classification", 16, (0, 1)).aggregate
        before = decoder(decoder.prepare(tokens))
        changed = tokens.clone()
        changed[:, :, 0] = changed[:, :, 0].flip(-1)
        both = changed.clone()
        both[:, :, 1] = both[:, :, 1].flip(-1)
        other = tokens.clone()
        other[:, :, 1] = other[:, :, 1].flip(-1)
        parts = [decoder(decoder.prepare(x)) - before for x in (changed, other, both)]
        additive = torch.allclose(parts[0] + parts[1], parts[2], atol=1e-5)
        assert additive is not mixes


def test_adam_is_torch_s():
    start = torch.tensor([1.0, -2.0, 0.5])
    ours, theirs = (start.clone().requires_grad_() for _ in range(2))
    adam, reference = Adam([ours]), torch.optim.Adam([theirs], lr=0.05)
    for _ in range(20):
        adam.step((ours**4).sum() + (3 * ours).sum(), 0.05)
        reference.zero_grad()
        ((theirs**4).sum() + (3 * theirs).sum()).backward()
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_no_decoder_is_refused():
    with pytest.raises(InvisError, match="seeds is empty"):
        Decoders("sum", 2, 4, 3, "classification", 8, ())
    with pytest.raises(InvisError, match="aggregation 'mean' is not one of"):
        Decoders("mean", 2, 4, 3, "classification", 8, (0,))

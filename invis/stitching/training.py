"""Train a small encoder in seconds; the second time it comes from the cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional as F

from invis.progress import Step, until_done
from invis.stitching.cache import content_hash, recall, remember
from invis.stitching.data import Data
from invis.stitching.encoder import Encoder
from invis.stitching.networks import AUTOENCODERS, build, build_head

# Part of the cache's key: change it with anything below or in networks.py.
RECIPE = 2
EPOCHS = 20
BATCH = 64
RATE = 3e-3


def small_encoder_steps(
    name: str, data: Data, *, seed: int = 0, latent: int = 32, cache: bool = True
) -> Iterator[Step[Encoder]]:
    """Train the small encoder `name` on the training images, a snapshot an epoch.

    Training always runs on the CPU, where it takes seconds, so that a seed means one network.

    Args:
        name: one of `networks.SMALL`.
        data: images and labels; autoencoders use no label.
        seed: of weights and order of images.
        latent: width of the latent space.
        cache: take it from the cache and keep it there.

    Raises:
        InvisError: there is no such small encoder.
    """
    images = data.train_images
    shape = (images.shape[3], images.shape[1], images.shape[2])
    module = build(name, shape, latent, seed)
    encoder = Encoder(
        f"{name}@{seed}", module, "", (0.5,) * shape[0], (0.5,) * shape[0], None, shape[0]
    )
    key = content_hash(RECIPE, EPOCHS, BATCH, RATE, name, seed, latent, repr(module), data.key)
    stored = recall("encoders", key) if cache else None
    expected = module.state_dict()
    if stored and {k: v.shape for k, v in stored.items()} == {
        k: v.shape for k, v in expected.items()
    }:
        module.load_state_dict(stored)
        module.eval()
        yield Step(1.0, f"{name}, seed {seed}: from the cache", [encoder])
        return
    head = build_head(name, shape, latent, len(data.classes), seed)
    x = encoder.prepare(images)
    pixels = x.flatten(1) * 0.5 + 0.5
    labels = torch.from_numpy(data.train_labels)
    parameters = [*module.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    batch = min(BATCH, len(x))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * (len(x) // batch))
    rng = np.random.default_rng(seed)
    module.train()
    for epoch in range(EPOCHS):
        order = torch.from_numpy(rng.permutation(len(x)))
        for start in range(0, len(x) - batch + 1, batch):
            chosen = order[start : start + batch]
            output = head(module(x[chosen]))
            if name in AUTOENCODERS:
                loss = F.mse_loss(output, pixels[chosen])
            else:
                loss = F.cross_entropy(output, labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        done = epoch + 1
        if done == EPOCHS:
            module.eval().requires_grad_(False)
            if cache:
                remember("encoders", key, module.state_dict())
        yield Step(
            done / EPOCHS,
            f"{name}, seed {seed}: epoch {done} of {EPOCHS}, loss {loss.item():.3f}",
            [encoder] if done == EPOCHS else [],
        )


def small_encoder(
    name: str, data: Data, *, seed: int = 0, latent: int = 32, cache: bool = True
) -> Encoder:
    """`small_encoder_steps` run to the end."""
    return until_done(small_encoder_steps(name, data, seed=seed, latent=latent, cache=cache))[0]

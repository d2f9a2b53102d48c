"""The trajectory of a training: fp16 checkpoints at log-spaced steps and after every epoch."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from invis.train.checkpoint import save_tensors

PER_DOUBLING = 2


def log_steps(steps: int) -> frozenset[int]:
    """Steps 0, 1, 2, 3, 4, 6, 8, 11, 16, ... up to `steps`: two per doubling, since networks change
    most in their first steps."""
    found = {0}
    exponent = 0
    while (step := round(2 ** (exponent / PER_DOUBLING))) <= steps:
        found.add(step)
        exponent += 1
    return frozenset(found)


class Recording:
    """Writes `folder/step-000123.safetensors`: the parameters being trained, not their average.

    A resumed training writes the same files again with the same content, so a kill loses nothing.
    """

    def __init__(self, folder: Path, steps: int, epoch_steps: int) -> None:
        self.folder = folder
        self.epoch_steps = epoch_steps
        self.wanted = log_steps(steps) | frozenset(range(0, steps + 1, epoch_steps))
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, step: int, net: nn.Module) -> None:
        """Record the state after `step` optimiser steps, if this step is wanted."""
        if step in self.wanted:
            state = {name: p.detach() for name, p in net.named_parameters()}
            metadata = {"step": str(step), "epoch": f"{step / self.epoch_steps:.6g}"}
            save_tensors(self.folder / f"step-{step:06d}.safetensors", state, metadata)

"""The training loop: resumable, the same for the same seed, compact.

All randomness of an epoch follows from (seed, epoch), so that a training that was killed and
resumed takes the same steps as one that was not.
"""

from __future__ import annotations

import copy
import subprocess
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from invis.errors import InvisError
from invis.files.imagefolder import Images, load_images, split_folder
from invis.models import mini
from invis.models.memory import check_memory
from invis.models.weights import weights_hash
from invis.progress import Step, told, until_done
from invis.shipped import __version__
from invis.train.checkpoint import (
    halved,
    load_checkpoint,
    prepare_folder,
    save_checkpoint,
    save_json,
    save_tensors,
)
from invis.train.data import normalise, training_batches
from invis.train.evaluation import accuracy
from invis.train.recipe import RECIPES, Recipe
from invis.train.record import Recording

CACHE = ".invis-images"
# Bytes: its entry in the history, which every checkpoint holds once more, and its place in plans.
AN_EPOCH = 2000


@dataclass(frozen=True)
class TrainSnapshot(Step[dict[str, Any]]):
    """Where a training stands; finished is the content of `card.json`.

    Attributes:
        entry: of the epoch that has just ended, as in the card's history; empty while one runs.
    """

    entry: dict[str, float] = field(default_factory=dict)


def train_steps(
    arch: str,
    data: str | Path,
    out: str | Path,
    epochs: int | None = None,
    seed: int = 0,
    record: bool = False,
    device: str | None = None,
) -> Iterator[TrainSnapshot]:
    """Train an embedded architecture, or go on where a killed or closed training stopped.

    Args:
        arch: `minivgg` or `miniresnet`.
        data: a folder in ImageFolder layout, or one with `train` and `val` in that layout.
        out: folder for the checkpoints, `<arch>.safetensors` (fp16, shipped form) and `card.json`.
            The decoded images go to `.invis-images` beside it.
        epochs: None for the recipe's own number. A training that goes on may be asked for another
            number: the rest of its cycle is then that of the new number, and the card's history
            tells which epoch was planned as one of how many.
        seed: of the initial weights, the order and the augmentation.
        record: also write the trajectory to `out/record`.
        device: None to choose automatically.

    Yields:
        A snapshot a step, and one an epoch. The card that is finished tells architecture, seed,
        recipe, commit, accuracy, hash and history.

    Raises:
        InvisError: bad argument, missing or wrongly laid out data, `out` unwritable or taken by a
            training with other settings, all checkpoints damaged.
    """
    from invis.models.devices import pick_device

    if arch not in RECIPES:
        raise InvisError(f"arch is {arch!r}, but the embedded ones are {' and '.join(RECIPES)}.")
    if epochs is not None and epochs < 1:
        raise InvisError(f"epochs is {epochs}, but it must be at least 1.")
    if seed < 0:
        raise InvisError(f"seed is {seed}, but it must be at least 0.")
    recipe = RECIPES[arch]
    epochs = recipe.epochs if epochs is None else epochs
    check_memory(AN_EPOCH * epochs, f"epochs {epochs} need", "ask for fewer")
    where = pick_device(device)
    train_folder, val_folder = split_folder(data)
    folder = prepare_folder(out)
    cache = folder.resolve().parent / CACHE
    images = load_images(train_folder, mini.INPUT_SIZE, cache)
    held_out = load_images(val_folder, mini.INPUT_SIZE, cache) if val_folder else None
    if held_out is not None and held_out.classes != images.classes:
        raise InvisError(
            f"data is {str(data)!r}, but its validation classes differ from the training classes."
        )
    if len(images.classes) < 2:
        raise InvisError(f"data is {str(data)!r} with a single class; at least 2 are needed.")
    trainer = _Trainer(arch, recipe, epochs, seed, images, where)
    trainer.resume(folder)
    recording = Recording(folder / "record", trainer.steps, trainer.epoch_steps) if record else None
    costs = [recipe.size(epoch, epochs) ** 2 for epoch in range(epochs)]

    def stepped(done: float) -> TrainSnapshot:
        spent = sum(costs[: trainer.epoch]) + costs[trainer.epoch] * done
        return TrainSnapshot(spent / sum(costs), f"epoch {trainer.epoch + 1}/{epochs}")

    for epoch in range(trainer.epoch, epochs):
        entry = yield from told(trainer.train_epoch(recording), stepped)
        if held_out is not None:
            entry["top1"], entry["top5"] = accuracy(
                trainer.average.eval(), held_out, mini.MEAN, mini.STD, where
            )
        trainer.history.append(entry)
        save_checkpoint(folder, trainer.state())
        scores = " ".join(f"{k} {v:.4g}" for k, v in entry.items() if k not in ("epoch", "of"))
        left = sum(costs[epoch + 1 :])
        minutes = entry["seconds"] / costs[epoch] * left / 60
        summary = f"epoch {epoch + 1}/{epochs} {scores} left {minutes:.0f} min"
        yield TrainSnapshot(1 - left / sum(costs), summary, entry=entry)
    yield TrainSnapshot(1.0, "measured and saved", [_ship(folder, trainer, held_out)])


def run(arch: str, data: str | Path, out: str | Path, **asked: Any) -> dict[str, Any]:
    """Run `train_steps` to the end; asked are its other arguments, returned is the card."""
    (card,) = until_done(train_steps(arch, data, out, **asked))
    return card


class _Trainer:
    """Network, moving average and optimiser of one training, and where it stands."""

    def __init__(
        self,
        arch: str,
        recipe: Recipe,
        epochs: int,
        seed: int,
        images: Images,
        device: torch.device,
    ) -> None:
        self.arch, self.recipe, self.epochs, self.seed = arch, recipe, epochs, seed
        self.images, self.device = images, device
        self.epoch = 0
        self.commit = _commit()
        self.history: list[dict[str, float]] = []
        self.epoch_steps = max(1, len(images) // recipe.batch)
        self.steps = self.epoch_steps * epochs
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = mini.build_training(arch, len(images.classes))
        self.net = net.to(device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval().requires_grad_(False)
        weights = [p for p in self.net.parameters() if p.ndim > 1]
        others = [p for p in self.net.parameters() if p.ndim == 1]
        self.optimiser = torch.optim.SGD(
            [
                {"params": weights, "weight_decay": recipe.decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=recipe.peak_rate,
            momentum=recipe.momentum,
            nesterov=True,
        )

    def settings(self) -> dict[str, Any]:
        """`epochs`, and what must be equal for a training to go on from a checkpoint."""
        recipe = {k: v for k, v in asdict(self.recipe).items() if k not in ("epochs", "sizes")}
        sizes = [list(pair) for pair in self.recipe.sizes]
        settings = {"arch": self.arch, "epochs": self.epochs, "seed": self.seed}
        return settings | recipe | {"sizes": sizes, "classes": list(self.images.classes)}

    def state(self) -> dict[str, Any]:
        return {
            "settings": self.settings(),
            "commit": self.commit,
            "epoch": self.epoch,
            "history": self.history,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def resume(self, folder: Path) -> None:
        """Go on from the newest readable checkpoint of `folder`, if there is one."""
        state = load_checkpoint(folder)
        if state is None:
            return
        mine, found = self.settings(), state["settings"]
        different = [key for key in mine if key != "epochs" and found.get(key) != mine[key]]
        if different:
            key = different[0]
            raise InvisError(
                f"out is {str(folder)!r}, which holds a training with another {key} "
                f"({found.get(key)} there, {mine[key]} asked); choose another folder or delete it."
            )
        if state["epoch"] > self.epochs:
            raise InvisError(
                f"epochs is {self.epochs}, but {str(folder)!r} holds {state['epoch']} already; "
                "ask for at least as many."
            )
        self.epoch, self.history = state["epoch"], state["history"]
        self.commit = state.get("commit", self.commit)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])

    def train_epoch(self, recording: Recording | None) -> Generator[float, None, dict[str, float]]:
        """One pass over the images; yields the share done, returns its mean loss and seconds."""
        start = time.perf_counter()
        size = self.recipe.size(self.epoch, self.epochs)
        rng = np.random.default_rng([self.seed, self.epoch])
        step = self.epoch * self.epoch_steps
        if recording is not None and step == 0:
            recording(0, self.net)
        self.net.train()
        total = 0.0
        batches = training_batches(self.images, self.recipe.batch, size, rng)
        for done, (x, labels) in enumerate(batches, 1):
            total += self._step(step, x.to(self.device), labels.to(self.device))
            step += 1
            if recording is not None:
                recording(step, self.net)
            yield done / self.epoch_steps
        self.epoch += 1
        return {
            "epoch": self.epoch,
            "of": self.epochs,
            "size": size,
            "loss": total / self.epoch_steps,
            "seconds": round(time.perf_counter() - start, 1),
        }

    def _step(self, step: int, x: torch.Tensor, labels: torch.Tensor) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(step, self.steps)
        # bf16 on GPUs only: without AMX the bf16 convolutions of a CPU take twice the time of fp32.
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.net(normalise(x, mini.MEAN, mini.STD))
        loss = functional.cross_entropy(
            logits.float(), labels, label_smoothing=self.recipe.smoothing
        )
        value = float(loss.detach())
        if not np.isfinite(value):
            raise InvisError(
                f"The loss became {value} at step {step}; the learning rate is too high."
            )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self._update_average(self.recipe.averaging(step))
        return value

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        slow, fast = self.average.state_dict(), self.net.state_dict()
        floats = [key for key in slow if slow[key].is_floating_point()]
        torch._foreach_lerp_([slow[k] for k in floats], [fast[k] for k in floats], 1 - decay)
        for key in slow.keys() - set(floats):
            slow[key].copy_(fast[key])


def _ship(folder: Path, trainer: _Trainer, held_out: Images | None) -> dict[str, Any]:
    """Write the shipped form and its card: accuracy and hash are those of the fp16 weights."""
    shipped = mini.export(trainer.arch, trainer.average.cpu())
    half = halved(shipped.state_dict())
    shipped.load_state_dict(half)
    card = trainer.settings() | {
        "commit": trainer.commit,
        "invis": __version__,
        "torch": torch.__version__,
        "device": str(trainer.device),
        "parameters": sum(p.numel() for p in shipped.parameters()),
        "images": len(trainer.images),
        "weights_hash": weights_hash(half),
        "seconds": round(sum(entry["seconds"] for entry in trainer.history), 1),
    }
    if held_out is not None:
        shipped.to(memory_format=torch.channels_last)
        card["top1"], card["top5"] = accuracy(
            shipped, held_out, mini.MEAN, mini.STD, torch.device("cpu")
        )
    metadata = {"arch": trainer.arch, "seed": str(trainer.seed), "epochs": str(trainer.epochs)}
    save_tensors(folder / f"{trainer.arch}.safetensors", half, metadata)
    card["history"] = trainer.history
    save_json(folder / "card.json", card)
    return card


def _commit() -> str:
    """Last commit of the code that trains, or "" outside a clone."""
    package = Path(__file__).parents[1]
    command = ["git", "log", "-1", "--format=%h", "--abbrev=12", "--", "train", "models/mini.py"]
    try:
        asked = subprocess.run(command, cwd=package, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()

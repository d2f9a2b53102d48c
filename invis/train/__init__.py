"""Train the embedded architectures and measure any classifier's accuracy.

invis.train.run("minivgg", data="tiny-imagenet-100", out="out/minivgg")
invis.train.evaluate("minivgg", data="tiny-imagenet-100/val")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invis.train.evaluation import evaluate as evaluate
    from invis.train.loop import run as run
    from invis.train.loop import train_steps as train_steps

__all__ = ["evaluate", "run", "train_steps"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `invis --help` can import the commands without loading torch.
    if name in ("run", "train_steps"):
        from invis.train import loop

        return getattr(loop, name)
    if name == "evaluate":
        from invis.train.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

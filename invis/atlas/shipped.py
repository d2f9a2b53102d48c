"""The small atlas that ships with Invis: `python -m invis.atlas.shipped STORE` makes it.

Units of the embedded networks up to their third stage, each layer trained and then untrained, the
cheap layers first: whatever ends it, what is there is a useful atlas, and the same command goes on.
"""

from __future__ import annotations

import sys

from invis.atlas.pattern import parse_pattern
from invis.atlas.sweep import sweep_steps

# Layers, and the channels of each that fit 15 MB in all; None for every channel.
SHIPPED: tuple[tuple[str, str | None], ...] = (
    ("minivgg/conv1_1..conv3_1", None),
    ("minivgg/conv3_2", "0-31"),
    ("miniresnet/conv1..layer3.0", "0-31"),
)
CONTROL = "none:0"


def sweeps() -> list[str]:
    """Patterns, in the order in which they are searched."""
    found = []
    for pattern, units in SHIPPED:
        for part in parse_pattern(pattern, units):
            for weights in ("", f"@{CONTROL}"):
                found.append(f"{part.model}{weights}/{part.layer}/0-{part.channels[-1]}")
    return found


def main(store: str) -> None:
    """Make the atlas, or go on with it; prints a line a layer."""
    for pattern in sweeps():
        for progress in sweep_steps(pattern, store, device="cpu"):
            for address, reason in progress.failures.items():
                print(f"{address} failed: {reason}", flush=True)
        print(f"{pattern}: {progress.done}/{progress.total}, {progress.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

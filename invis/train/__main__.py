"""`python -m invis.train ARCH DATA OUT [EPOCHS] [SEED] [record]`: the bare loop."""

from __future__ import annotations

import sys

from invis.train.loop import run

if __name__ == "__main__":
    arch, data, out, *rest = sys.argv[1:]
    run(
        arch,
        data,
        out,
        epochs=int(rest[0]) if rest else None,
        seed=int(rest[1]) if len(rest) > 1 else 0,
        record="record" in rest,
    )

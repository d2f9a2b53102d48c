"""The tables of the README, from the figures in benchmarks/results.

python benchmarks/tables.py            # prints them
python benchmarks/tables.py --write    # and puts them in README.md, between their markers
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness import RESULTS

README = Path(__file__).parents[1] / "README.md"
MODES = {"invis": "Invis", "helped": "lucent, helped", "users": "lucent, as its users run it"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def seconds(value: float | None) -> str:
    """Three digits at most; never is a result."""
    if value is None:
        return "never"
    return f"{value:.0f} s" if value >= 100 else f"{value:.3g} s"


def times(value: float) -> str:
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2g}×"


def on(found: dict[str, Any]) -> str:
    """The machine that the figures are from."""
    card = found.get("card") or "no graphics card"
    return (
        f"{found['processor']}, {found['cores']} cores, {found['threads']} threads, {card}, "
        f"PyTorch {found['torch']}"
    )


def lucent(found: dict[str, Any]) -> str:
    """Time and quality of the same job."""
    rows = []
    order = list(MODES)
    for row in sorted(
        found["rows"], key=lambda row: (row["model"], row["layer"], order.index(row["mode"]))
    ):
        judged = "fraction_min" in row
        fraction = row.get("fraction_min")
        total = seconds(row["seconds"]) + (" *" if row.get("extrapolated") else "")
        rows.append([
            f"{row['model'].removesuffix(':0')}/{row['layer']}", MODES[row["mode"]], total,
            "" if row["mode"] == "invis" else times(row["ratio"]),
            seconds(row["until_floor"]) if judged else "–",
            f"{fraction:.2f}" if judged else "–",
            f"{row['index']:.2f}" if judged else "–", f"{row['spread']:.2f}" if judged else "–",
        ])  # fmt: skip
    head = (
        "unit",
        "by",
        "seconds",
        "over Invis",
        "until 0.9",
        "lowest",
        "index",
        "spread",
    )
    return table(head, rows) + (
        f"\n\n\\* extrapolated from {trial(found)} steps to {found['steps']}. {on(found)}."
    )


def trial(found: dict[str, Any]) -> int:
    return next((row["trial_steps"] for row in found["rows"] if "trial_steps" in row), 0)


def floor(found: dict[str, Any]) -> str:
    """Searches beside their convolutions."""
    rows = [
        [row["layer"], str(row["units"]), seconds(row["seconds"]), seconds(row["floor"]),
         f"{row['ratio']:.2f}"]
        for row in found["rows"]
    ]  # fmt: skip
    head = ("layer of VGG-16", "units", "search", "its convolutions alone", "ratio")
    return table(head, rows) + f"\n\n{on(found)}."


def card(found: dict[str, Any]) -> str:
    """Searches on a graphics card beside their convolutions, one column for each type of number."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        groups.setdefault((row["layer"], row["units"]), []).append(row)
    rows = [
        [layer, str(units)]
        + [
            f"{seconds(row['seconds'])}, {row['ratio']:.1f}×, {row['index']:.2f}, "
            f"{row['lowest']:.3f}"
            for row in group
        ]
        for (layer, units), group in groups.items()
    ]
    types = [row["precision"] for row in next(iter(groups.values()))]
    return table(("layer of VGG-16", "units", *types), rows) + f"\n\n{on(found)}."


def growth(found: dict[str, Any]) -> str:
    """One line a table: the costs at each value, and the exponent."""
    rows = []
    for told in found["tables"].values():
        varied, cost = told["what"].split(": ", 1)
        values = ", ".join(
            f"{x if isinstance(x, str) else f'{x:,}'}: {y:.3g}" for x, y in told["rows"]
        )
        power = "" if told["exponent"] is None else f"{told['exponent']:.1f}"
        rows.append([varied, cost, values, power])
    return table(("varied", "cost", "value: cost", "exponent"), rows) + f"\n\n{on(found)}."


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "lucent": ("lucent.json", lucent),
    "floor": ("search_cost.json", floor),
    "card": ("search_cost_gpu.json", card),
    "growth": ("growth.json", growth),
}


def rendered(name: str) -> str:
    """One table, from its committed figures."""
    file, render = TABLES[name]
    return render(json.loads((RESULTS / file).read_text(encoding="utf-8")))


def block(name: str) -> re.Pattern[str]:
    """What stands between the markers of a table."""
    return re.compile(rf"(<!-- bench: {name} -->\n).*?(\n<!-- end -->)", re.S)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    for name in TABLES:
        made = rendered(name)
        print(f"{made}\n")
        text = block(name).sub(lambda match, made=made: match[1] + made + match[2], text)
    if asked.write:
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

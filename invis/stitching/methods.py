"""The ways of stitching that share one table, nulls among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from invis.errors import InvisError
from invis.stitching.aggregation import AGGREGATIONS
from invis.stitching.checks import choice
from invis.stitching.similarities import PRODUCT, SIMILARITIES
from invis.stitching.translators import METHODS

ABSOLUTE, RELATIVE, COMBINED = "absolute", "relative", "product"
SHUFFLED, UNTRAINED = "shuffled anchors", "untrained encoder"


@dataclass(frozen=True)
class Method:
    """One way from encoder A to the decoder of encoder B.

    Attributes:
        method: `absolute` (A's vectors as they are), `relative` (one similarity), `product`
            (several), a translator's name, `shuffled anchors` or `untrained encoder` (the product
            space with A's anchors in a wrong order, or A before training).
        similarities: of the relative spaces; empty for absolute spaces.
        aggregation: how they are put together; None for fewer than two.
        null: whether it is there to show what chance would give.
    """

    method: str
    similarities: tuple[str, ...] = ()
    aggregation: str | None = None
    null: bool = False

    @property
    def label(self) -> str:
        """Its name in tables and figures."""
        if self.method == RELATIVE:
            return self.similarities[0]
        if self.method == COMBINED:
            return f"product, {self.aggregation}"
        return self.method

    @property
    def decoder(self) -> Method:
        """Whose decoders this one uses: nulls and translators train none of their own."""
        if self.method in METHODS:
            return Method(ABSOLUTE, null=True)
        if self.method in (SHUFFLED, UNTRAINED):
            kind = COMBINED if len(self.similarities) > 1 else RELATIVE
            return Method(kind, self.similarities, self.aggregation)
        return self


def methods(
    similarities: Sequence[str] = PRODUCT,
    aggregations: Sequence[str] = AGGREGATIONS,
    translators: Sequence[str] = METHODS,
) -> tuple[Method, ...]:
    """All methods of a table: each similarity alone, their product, translators, then the nulls.

    Raises:
        InvisError: a name is unknown or there is no similarity.
    """
    names = tuple(dict.fromkeys(choice("similarity", name, SIMILARITIES) for name in similarities))
    if not names:
        raise InvisError(f"similarities is empty; name some of {', '.join(SIMILARITIES)}.")
    kinds = tuple(dict.fromkeys(choice("aggregation", k, AGGREGATIONS) for k in aggregations))
    maps = tuple(dict.fromkeys(choice("translator", name, METHODS) for name in translators))
    found = [Method(RELATIVE, (name,)) for name in names]
    if len(names) > 1:
        found += [Method(COMBINED, names, kind) for kind in kinds]
    found += [Method(name) for name in maps]
    first = kinds[0] if len(names) > 1 and kinds else None
    chosen = names if first else names[:1]
    found.append(Method(ABSOLUTE, null=True))
    found += [Method(kind, chosen, first, null=True) for kind in (SHUFFLED, UNTRAINED)]
    return tuple(found)

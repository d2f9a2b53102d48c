"""What a decoder is fed: each encoder's images as each method presents them."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.stitching.latents import Latents
from invis.stitching.methods import ABSOLUTE, SHUFFLED, UNTRAINED, Method
from invis.stitching.spaces import ProductSpace
from invis.stitching.translators import METHODS, Translator


class Tokens:
    """Tokens (N, S, K) of all encoders for all seeds, each relative space computed once.

    Args:
        latents: of all encoders.
        anchors: (seeds, K) indices of training images.
        similarities: all that the methods will ask for.
        device: where tokens are put.
    """

    def __init__(
        self,
        latents: Latents,
        anchors: NDArray[np.int64],
        similarities: Sequence[str],
        device: torch.device,
    ) -> None:
        self.latents = latents
        self.anchors = anchors
        self.similarities = tuple(similarities)
        self.device = device
        # Several kinds of decoders are fed at once, and shuffled tokens ask for others.
        self._lock = RLock()
        self._known: dict[tuple[object, ...], Tensor] = {}

    def own(self, method: Method, seed: int, encoder: int) -> Tensor:
        """Training images of an encoder in its own space, for its own decoder."""
        if method.method == ABSOLUTE:
            return self._all("vectors", seed, encoder)
        return self._picked(method, "train", seed, encoder)

    def crossing(self, method: Method, seed: int, encoder: int, decoder: int) -> Tensor | str:
        """Test images of one encoder for another one's decoder, or the reason why there are none.

        Args:
            method: how.
            seed, encoder, decoder: positions in `latents`.
        """
        if method.method == ABSOLUTE:
            widths = [self.latents.widths[i] for i in (encoder, decoder)]
            if widths[0] != widths[1]:
                return f"the spaces have {widths[0]} and {widths[1]} dimensions"
            return self._all("test vectors", seed, encoder)
        if method.method in METHODS:
            source, target = (
                self.latents.train[seed][i][self.anchors[seed]] for i in (encoder, decoder)
            )
            translator = Translator(method.method).fit(source, target)
            translated = translator.transform(self.latents.test[seed][encoder])
            return self._put(translated[:, None])
        if method.method == UNTRAINED:
            if self.latents.untrained_train[seed][encoder] is None:
                return "the encoder has no untrained twin"
            return self._picked(method, "untrained", seed, encoder)
        return self._picked(
            method, "shuffled" if method.method == SHUFFLED else "test", seed, encoder
        )

    def _picked(self, method: Method, what: str, seed: int, encoder: int) -> Tensor:
        """The method's own similarities; asked again, the same tensor."""
        if method.similarities == self.similarities:
            return self._all(what, seed, encoder)
        key = (*method.similarities, what, seed, encoder)
        with self._lock:
            if key not in self._known:
                chosen = [self.similarities.index(name) for name in method.similarities]
                self._known[key] = self._all(what, seed, encoder)[:, chosen]
            return self._known[key]

    def _all(self, what: str, seed: int, encoder: int) -> Tensor:
        """(N, all similarities, K); of vectors (N, 1, d)."""
        key = (what, seed, encoder)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._make(what, seed, encoder)
            return self._known[key]

    def _make(self, what: str, seed: int, encoder: int) -> Tensor:
        if what == "vectors":
            return self._put(self.latents.train[seed][encoder][:, None])
        if what == "test vectors":
            return self._put(self.latents.test[seed][encoder][:, None])
        if what == "shuffled":
            # The coordinates keep their values and lose their names.
            order = _wrong_order(self.anchors.shape[1], seed, encoder)
            return self._all("test", seed, encoder)[:, :, order]
        untrained = what == "untrained"
        reference = self.latents.untrained_train if untrained else self.latents.train
        tests = self.latents.untrained_test if untrained else self.latents.test
        trained = reference[seed][encoder]
        points = trained if what == "train" else tests[seed][encoder]
        assert trained is not None and points is not None
        space = ProductSpace(self.similarities).fit(trained[self.anchors[seed]])
        return self._put(space.tokens(points))

    def _put(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self.device)


def _wrong_order(count: int, *seed: int) -> NDArray[np.int64]:
    """A permutation that is not the identity, which chance draws of few."""
    rng, right = np.random.default_rng(seed), np.arange(count)
    order = right
    while count > 1 and np.array_equal(order, right):
        order = rng.permutation(count)
    return order

"""One image under compositions of transformations, differentiable in all their numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from invis.probe.explain.moves import MOVES, Move, grid_for
from invis.probe.transform import centre, partner
from invis.search.metric import Metric
from invis.search.sphere import unit

# Rows and columns between which images are interpolated linearly, for each of their own; odd, so
# that each of their own is among them.
FINER = 3
# Numbers of images that are transformed at once.
MOST_NUMBERS = 1 << 22
# Pixels over which an image fades beyond its edge: a sharp end would be new detail.
FADING = 1.0


class Scene:
    """The compositions of one reference.

    An image is taken through its phase, then moved (shift, rotation, scale, shear, bend), coloured,
    and blurred; the result is brought back to the sphere that all images of a search live on.
    Beyond the field the image fades to grey.

    Attributes:
        reference: (D,) unit vector.
        moves: those that such an image has, the simplest first.
        grid: parts a side.
        size: P, numbers of a composition.
        at_once: compositions that are worth making at once.
        where: move -> its numbers among them.
    """

    def __init__(self, reference: Tensor, metric: Metric, wave: tuple[float, float]) -> None:
        self.reference, self.metric = reference, metric
        (image,) = metric.image(reference[None])
        self.image0 = image
        self.shape: tuple[int, int, int] = metric.shape
        colours, height, width = self.shape
        self.grid = grid_for(max(height, width))
        self.moves = tuple(move for move in MOVES if colours == 3 or not move.colours)
        self.where: dict[str, slice] = {}
        self.size = 0
        for move in self.moves:
            self.where[move.name] = slice(self.size, self.size + move.size(self.grid))
            self.size += move.size(self.grid)
        self.at_once = max(32, MOST_NUMBERS // image.numel())
        device = image.device
        self.scale = torch.cat(
            [torch.full((move.size(self.grid),), move.scale) for move in self.moves]
        ).to(device)
        cpu = image.cpu()
        both = torch.cat([cpu, partner(cpu, wave)]).to(device)
        up = [
            cosines(n, FINER * n).to(device) @ cosines(n, n).T.to(device) for n in (height, width)
        ]
        self._fine = up[0] @ both @ up[1].T
        self._middle = centre(cpu)
        self._side = max(height, width)
        self._bumps = _bumps(self.grid, height, width).to(device)
        self._down, self._across = (cosines(n, n).to(device) for n in (height, width))
        rows, columns = torch.arange(height), torch.arange(width)
        self._y, self._x = (
            one.float().to(device) for one in torch.meshgrid(rows, columns, indexing="ij")
        )

    def move(self, name: str) -> Move:
        """A move by its name."""
        return next(move for move in self.moves if move.name == name)

    def mask(self, names: tuple[str, ...]) -> Tensor:
        """(P,) 1 at the numbers of these moves, 0 elsewhere."""
        mask = torch.zeros_like(self.scale)
        for name in names:
            mask[self.where[name]] = 1
        return mask

    def vectors(self, theta: Tensor, affine: Tensor | None = None) -> Tensor:
        """(B, P) numbers, each in units of its scale -> (B, D) unit vectors.

        Args:
            theta: the numbers.
            affine: (B, 2, 3) where content comes from, about the centre in pixels, in place of what
                shift, rotation, scale and shear say.
        """
        return unit(self.raw(theta, affine))

    def raw(self, theta: Tensor, affine: Tensor | None = None) -> Tensor:
        """The same before the vectors are brought to norm 1."""
        return self.metric.vectors(self.image(theta, affine))

    def image(self, theta: Tensor, affine: Tensor | None = None) -> Tensor:
        """(B, P) -> images (B, C, h, w)."""
        value = theta * self.scale
        numbers = {name: value[:, where] for name, where in self.where.items()}
        affine = self.affine(numbers) if affine is None else affine
        both = self._moved(affine, numbers["bend"]).unflatten(1, (2, -1))
        turn = numbers["phase"][:, :, None, None]
        image = turn.cos() * both[:, 0] + turn.sin() * both[:, 1]
        if self.shape[0] == 3:
            image = self._coloured(image, numbers)
        gain = self._map(numbers["contrast of parts"]).exp()
        gain = gain * (1 + self._map(numbers["polarity of parts"]))
        sign = 1 - 2 * (numbers["polarity"].detach() > 0.5).float()[:, :, None, None]
        return self._blurred(image * gain * sign, numbers["blur"])

    def bending(self, theta: Tensor) -> Tensor:
        """(B,) how much a composition bends: the mean square of its scaled displacements."""
        return theta[:, self.where["bend"]].square().mean(1)

    def _map(self, numbers: Tensor) -> Tensor:
        """(B, grid^2) -> (B, 1, h, w), smooth."""
        return (numbers @ self._bumps).view(len(numbers), 1, *self.shape[1:])

    def affine(self, numbers: dict[str, Tensor]) -> Tensor:
        """(B, 2, 3) where content comes from: of rows and columns about the centre, in pixels."""
        shift = numbers["shift"] * self._side
        angle, size, (first, second) = (
            numbers["rotation"][:, 0],
            numbers["scale"][:, 0],
            numbers["shear"].unbind(1),
        )
        c, s, k = angle.cos(), angle.sin(), torch.exp(-size)
        turn = torch.stack([c * k, -s * k, s * k, c * k], 1).view(-1, 2, 2)
        strain = torch.stack([1 + first, second, second, 1 - first], 1).view(-1, 2, 2)
        matrix = strain @ turn
        return torch.cat([matrix, -matrix @ shift[:, :, None]], 2)

    def _moved(self, affine: Tensor, bend: Tensor) -> Tensor:
        """(B, 2 C, h, w) the image and its partner, sampled where their content came from."""
        row, column = self._middle
        bend = self._map(bend.unflatten(1, (2, -1)).flatten(0, 1)) * self._side
        bend = bend.view(-1, 2, *self.shape[1:])
        y, x = self._y - row - bend[:, 0], self._x - column - bend[:, 1]
        (a, b, c), (d, e, f) = (one.unbind(1) for one in affine[:, :, :, None, None].unbind(1))
        y, x = a * y + b * x + c + row, d * y + e * x + f + column
        height, width = self.shape[1:]
        places = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
        fine = self._fine.expand(len(places), -1, -1, -1)
        found = functional.grid_sample(fine, places, padding_mode="border", align_corners=False)
        below, aside = (one - one.clamp(-0.5, n - 0.5) for one, n in ((y, height), (x, width)))
        beyond = below.square() + aside.square()
        return found * torch.exp(-0.5 * beyond / FADING**2)[:, None]

    def _coloured(self, image: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        matrix = numbers["colour"].view(-1, 3, 3)
        image = image + torch.einsum("bij,bjhw->bihw", matrix, image)
        grey = image.mean(1, keepdim=True)
        along, across = self._map_pair(numbers["colour of parts"])
        turn = numbers["hue"][:, :, None, None]
        gain = 1 + numbers["saturation"][:, :, None, None]
        along = 1 + along
        # Complex numbers that multiply the colour as a vector in the plane across the grey axis.
        real = gain * (turn.cos() * along - turn.sin() * across)
        imaginary = gain * (turn.sin() * along + turn.cos() * across)
        colour = image - grey
        turned = (colour.roll(1, 1) - colour.roll(2, 1)) / math.sqrt(3)
        return grey + real * colour + imaginary * turned

    def _map_pair(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        first, second = numbers.chunk(2, 1)
        return self._map(first), self._map(second)

    def _blurred(self, image: Tensor, sigma: Tensor) -> Tensor:
        if not bool((sigma != 0).any()):
            return image
        side = self._side
        filters = []
        for basis in (self._down, self._across):
            omega = torch.arange(len(basis), device=basis.device) * (math.pi / len(basis))
            soft = torch.exp(-0.5 * (sigma * side * omega).square())
            filters.append(((basis * soft[:, None, :]) @ basis.T)[:, None])
        return filters[0] @ image @ filters[1]


def cosines(n: int, count: int) -> Tensor:
    """(count, n) orthonormal cosines of n samples (DCT-II), seen at `count` even places."""
    places = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    k = torch.arange(n, dtype=torch.float64)
    basis = torch.cos(math.pi * places[:, None] * k) * math.sqrt(2 / n)
    basis[:, 0] /= math.sqrt(2)
    return basis.float()


def _bumps(grid: int, height: int, width: int) -> Tensor:
    """(grid^2, h w) smooth weights of the parts, 1 in all at every place."""
    axes = []
    for n in (height, width):
        places = (torch.arange(n) + 0.5) / n * grid - 0.5
        squared = (places - torch.arange(grid)[:, None]).square()
        axes.append(torch.softmax(-2 * squared, 0))
    return torch.einsum("ay,bx->abyx", axes[0], axes[1]).flatten(2).flatten(0, 1)

"""How far each node of a traced network sees into the image."""

from dataclasses import dataclass, field

from torch import Tensor, fx

from invis.models import ops
from invis.models.classify import classify
from invis.models.geometry import Field, Kernel, Span
from invis.models.ops import Axes, Op
from invis.models.trace import Traced

Window = tuple[Span, Span]
_SOURCES = ("placeholder", "get_attr")


@dataclass(frozen=True)
class Tokens:
    """A grid of patches in a row of tokens, behind tokens that stand for no patch.

    Attributes:
        axis: of the output, along which the tokens lie.
        grid: rows and columns of patches.
        before: tokens in front of the first patch, the class token first.
    """

    axis: int
    grid: tuple[int, int]
    before: int

    @property
    def count(self) -> int:
        return self.before + self.grid[0] * self.grid[1]


@dataclass
class Flow:
    """A traced network whose nodes' geometry is known.

    Attributes:
        traced: the network.
        ops: node -> what it does to space.
        axes: node -> which axes of its output are rows and columns; None where it has none.
        fields: node -> field on rows and columns, without regard to the image's border; None where
            the whole image is seen, or windows do not slide evenly. Nodes that do not depend on
            the image are missing.
        spread: nodes that see the whole image.
        tokens: node -> where its tokens lie, for the outputs of transformers.
        folded: batch norm's node -> weight and bias of the convolution with the norm folded in,
            for those cones that have needed it.
    """

    traced: Traced
    ops: dict[fx.Node, Op]
    axes: dict[fx.Node, Axes | None]
    fields: dict[fx.Node, tuple[Field, Field] | None]
    spread: set[fx.Node] = field(default_factory=set)
    tokens: dict[fx.Node, Tokens] = field(default_factory=dict)
    folded: dict[fx.Node, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def node(self, name: str) -> fx.Node:
        """The node with a name."""
        return next(node for node in self.traced.full.graph.nodes if node.name == name)

    @property
    def fixed(self) -> set[fx.Node]:
        """The nodes of tensors that depend on no pixel."""
        return self.traced.fixed

    def sources(self, node: fx.Node) -> list[fx.Node]:
        """What a node is computed from, image by image."""
        if node in self.fixed:
            return []
        found, op = self.traced.inputs(node), self.ops[node]
        if isinstance(op, ops.Opaque):
            return found
        if isinstance(op, ops.Windowed):  # the rest is weights, or padding
            return [other for other in found if other not in self.fixed][:1]
        return [other for other in found if other not in self.traced.numbers]

    def map_size(self, node: fx.Node) -> tuple[int, int]:
        """Rows and columns of a node's map."""
        shape = self.traced.shapes[node]
        rows, cols = self.axes[node] or (2, 3)
        return shape[rows], shape[cols]

    def whole_map(self, node: fx.Node) -> Window:
        """The window that is the whole map."""
        rows, cols = self.map_size(node)
        return (0, rows), (0, cols)

    def is_whole(self, node: fx.Node) -> bool:
        """Whether a unit of this node sees more than the image holds."""
        seen = self.fields.get(node)
        if node in self.spread or self.axes[node] is None or self.traced.entangled:
            return True
        return seen is not None and any(
            f.size > s for f, s in zip(seen, self.traced.input_size, strict=True)
        )

    def is_uniform(self, nodes: list[fx.Node]) -> bool:
        """Whether units at other positions do the same to the patches that they see.

        Not where a map of positions is added, and not where windows slide unevenly.
        """
        for node in nodes:
            uneven = isinstance(self.ops[node], ops.AdaptivePool)
            if node in self.fixed:
                uneven = self.axes[node] is not None
            elif node in self.fields:
                uneven = uneven or self.fields[node] is None
            if uneven:
                return False
        return True

    def stopped_by(self, nodes: list[fx.Node]) -> str:
        """The first of some nodes that cannot be followed position by position, or ""."""
        if self.traced.entangled:
            return "tensors that are overwritten in place while views of them are read"
        for node in nodes:
            opaque = isinstance(self.ops[node], ops.Opaque) and node.op not in _SOURCES
            if opaque and node in self.fields:
                return self.traced.words(node)
        return ""

    def receptive_field(self, node: fx.Node) -> int:
        """Rows or columns of the image, whichever are more, that a unit of this node sees."""
        seen = self.fields.get(node)
        return max(self.traced.input_size) if seen is None else max(f.size for f in seen)

    def stride(self, node: fx.Node) -> int:
        """Pixels between neighbouring units of this node."""
        seen = self.fields.get(node)
        if seen is not None:
            return max(f.jump for f in seen)
        if self.axes[node] is None:
            return max(self.traced.input_size)
        sides = zip(self.traced.input_size, self.map_size(node), strict=True)
        return max(1, *(round(side / length) for side, length in sides))


def analyse(traced: Traced) -> Flow:
    """Find what every node does to space and how far it sees."""
    flow = Flow(traced, {}, {}, {})
    for node in traced.full.graph.nodes:
        flow.ops[node], flow.axes[node] = classify(traced, node, flow.axes)
        if node is traced.image:
            flow.fields[node] = Field(0, 1, 1), Field(0, 1, 1)
        elif node in traced.fixed or node in traced.numbers:
            continue
        elif any(n in flow.fields for n in traced.inputs(node)):
            flow.fields[node] = _field(flow, node)
    _note_residuals(flow)
    _note_tokens(flow)
    return flow


def _note_residuals(flow: Flow) -> None:
    """What is added to a map, and has its shape, is a map: attention's output, say."""
    for node in flow.traced.full.graph.nodes:
        axes, shape = flow.axes.get(node), flow.traced.shapes.get(node)
        if axes is None or not isinstance(flow.ops[node], ops.Opaque) or shape is None:
            continue
        for other in flow.traced.inputs(node):
            while flow.axes.get(other) is None and flow.traced.shapes.get(other) == shape:
                if other in flow.fixed or other not in flow.fields:
                    break
                flow.axes[other] = axes
                before = flow.traced.inputs(other)
                if len(before) != 1:
                    break
                other = before[0]


MOST_EXTRA_TOKENS = 8


def _note_tokens(flow: Flow) -> None:
    """Fill `tokens`: sequences as long as a map of patches, and a little longer."""
    grids: list[tuple[int, int]] = []
    for node in flow.traced.full.graph.nodes:
        shape = flow.traced.shapes.get(node, ())
        if flow.axes[node] is not None and node in flow.fields and node is not flow.traced.image:
            size = flow.map_size(node)
            if size not in grids and size != (1, 1):
                grids.insert(0, size)
        if len(shape) != 3 or flow.axes[node] is not None or node not in flow.fields:
            continue
        found = [
            Tokens(axis, grid, shape[axis] - grid[0] * grid[1])
            for grid in grids
            for axis in (1, 2)
            if 0 <= shape[axis] - grid[0] * grid[1] <= MOST_EXTRA_TOKENS
        ]
        if found:
            flow.tokens[node] = found[0]


def _field(flow: Flow, node: fx.Node) -> tuple[Field, Field] | None:
    op = flow.ops[node]
    inputs = [n for n in flow.sources(node) if n in flow.fields]
    if isinstance(op, ops.Opaque) or any(n in flow.spread for n in inputs):
        flow.spread.add(node)
        return None
    fields: tuple[Field, Field] | None = None
    for other in inputs:
        seen = flow.fields[other]
        if _is_spread(flow, node, other):
            flow.spread.add(node)
            return None
        if seen is None:
            return None
        fields = seen if fields is None else (fields[0].join(seen[0]), fields[1].join(seen[1]))
    assert fields is not None
    kernels: tuple[Kernel | None, Kernel | None] = (None, None)
    if isinstance(op, ops.Sliding):
        kernels = op.rows, op.cols
    elif isinstance(op, ops.Resample):
        kernels = op.rows.kernel, op.cols.kernel
    elif isinstance(op, ops.AdaptivePool):
        sizes = flow.map_size(inputs[0])
        kernels = _widest(sizes[0], op.bins[0]), _widest(sizes[1], op.bins[1])
    elif not isinstance(op, ops.Windowed):
        return fields
    if kernels[0] is None or kernels[1] is None:
        return None  # it slides unevenly
    return fields[0].through(kernels[0]), fields[1].through(kernels[1])


def _is_spread(flow: Flow, node: fx.Node, other: fx.Node) -> bool:
    """Whether an input is the same at every position of the output."""
    local = isinstance(flow.ops[node], ops.Pointwise | ops.Concat | ops.Norm)
    return local and not is_aligned(flow, node, other)


def is_aligned(flow: Flow, node: fx.Node, other: fx.Node) -> bool:
    """Whether position (r, c) of a pointwise node reads position (r, c) of this input."""
    axes, shape = flow.axes[node], flow.traced.shapes[node]
    before, own = flow.traced.shapes.get(other), flow.axes[other]
    if axes is None or own is None or before is None:
        return False
    behind = [axis - len(shape) for axis in axes]
    if [axis - len(before) for axis in own] != behind:
        return False
    return all(before[a] == shape[a] for a in behind)


def _widest(size: int, bins: int) -> Kernel:
    """The sliding window that holds every bin of adaptive pooling.

    Uneven bins are up to two positions wider than their distance, and this distance is rounded up:
    whatever reads several of them may reach that far.
    """
    stride = -(-size // bins)
    return Kernel(stride if size % bins == 0 else size // bins + 2, stride)

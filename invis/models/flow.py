"""How far each node of a traced network sees into the image."""

from dataclasses import dataclass, field

from torch import Tensor, fx

from invis.models import ops
from invis.models.classify import classify
from invis.models.geometry import Field, Kernel, Span
from invis.models.ops import Axes, Op
from invis.models.trace import Traced

Window = tuple[Span, Span]


@dataclass
class Flow:
    """A traced network whose nodes' geometry is known.

    Attributes:
        traced: the network.
        ops: node -> what it does to space.
        axes: node -> which axes of its output are rows and columns; None where it has none.
        fields: node -> field on rows and columns, without regard to the image's border; None where
            the whole image is seen. Nodes that do not depend on the image are missing.
        folded: batch norm's node -> weight and bias of the convolution with the norm folded in,
            for those cones that have needed it.
    """

    traced: Traced
    ops: dict[fx.Node, Op]
    axes: dict[fx.Node, Axes | None]
    fields: dict[fx.Node, tuple[Field, Field] | None]
    folded: dict[fx.Node, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def node(self, name: str) -> fx.Node:
        """The node with a name."""
        return next(node for node in self.traced.full.graph.nodes if node.name == name)

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
        if seen is None or self.axes[node] is None or self.traced.entangled:
            return True
        return any(f.size > s for f, s in zip(seen, self.traced.input_size, strict=True))

    def receptive_field(self, node: fx.Node) -> int:
        """Rows or columns of the image, whichever are more, that a unit of this node sees."""
        seen = self.fields.get(node)
        return max(self.traced.input_size) if seen is None else max(f.size for f in seen)

    def stride(self, node: fx.Node) -> int:
        """Pixels between neighbouring units of this node."""
        seen = self.fields.get(node)
        return max(self.traced.input_size) if seen is None else max(f.jump for f in seen)


def analyse(traced: Traced) -> Flow:
    """Find what every node does to space and how far it sees."""
    flow = Flow(traced, {}, {}, {})
    for node in traced.full.graph.nodes:
        flow.ops[node], flow.axes[node] = classify(traced, node, flow.axes)
        if node is traced.image:
            flow.fields[node] = Field(0, 1, 1), Field(0, 1, 1)
        elif any(n in flow.fields for n in traced.inputs(node)):
            flow.fields[node] = _field(flow, node)
    return flow


def _field(flow: Flow, node: fx.Node) -> tuple[Field, Field] | None:
    op = flow.ops[node]
    inputs = [n for n in flow.traced.inputs(node) if n in flow.fields]
    if isinstance(op, ops.Opaque):
        return None
    fields: tuple[Field, Field] | None = None
    for other in inputs:
        seen = flow.fields[other]
        if seen is None or _is_spread(flow, node, other):
            return None
        fields = seen if fields is None else (fields[0].join(seen[0]), fields[1].join(seen[1]))
    assert fields is not None
    if isinstance(op, ops.Sliding):
        return fields[0].through(op.rows), fields[1].through(op.cols)
    if isinstance(op, ops.AdaptivePool):
        sizes = flow.map_size(inputs[0])
        rows, cols = (_widest(s, b) for s, b in zip(sizes, op.bins, strict=True))
        return fields[0].through(rows), fields[1].through(cols)
    return fields


def _is_spread(flow: Flow, node: fx.Node, other: fx.Node) -> bool:
    """Whether an input is the same at every position of the output."""
    local = isinstance(flow.ops[node], ops.Pointwise | ops.Concat | ops.Norm)
    return local and not is_aligned(flow, node, other)


def is_aligned(flow: Flow, node: fx.Node, other: fx.Node) -> bool:
    """Whether position (r, c) of a pointwise node reads position (r, c) of this input."""
    axes, shape = flow.axes[node], flow.traced.shapes[node]
    before = flow.traced.shapes.get(other)
    if axes is None or flow.axes[other] != axes or before is None or len(before) != len(shape):
        return False
    return all(before[a] == shape[a] for a in axes)


def _widest(size: int, bins: int) -> Kernel:
    """The sliding window that holds every bin of adaptive pooling.

    Uneven bins are up to two positions wider than their distance, and this distance is rounded up:
    whatever reads several of them may reach that far.
    """
    stride = -(-size // bins)
    return Kernel(stride if size % bins == 0 else size // bins + 2, stride)

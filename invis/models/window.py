"""Which window of each map one unit depends on."""

from torch import fx

from invis.errors import InvisError
from invis.models import ops
from invis.models.address import CLASS_TOKEN, Position
from invis.models.flow import Flow, Tokens, Window, is_aligned
from invis.models.geometry import adaptive_bin, clip, hull


def ancestors(flow: Flow, target: fx.Node) -> list[fx.Node]:
    """The nodes that the target depends on, itself last, in the order of the graph."""
    found, queue = {target}, [target]
    while queue:
        for node in flow.sources(queue.pop()):
            if node not in found:
                found.add(node)
                queue.append(node)
    return [node for node in flow.traced.full.graph.nodes if node in found]


def place_of(
    flow: Flow, target: fx.Node, needed: list[fx.Node], position: Position
) -> tuple[int, int]:
    """Row and column of a position; (token, 0) in a row of tokens.

    Raises:
        InvisError: if the layer has no such position.
    """
    tokens = flow.tokens.get(target)
    if tokens is not None and flow.axes[target] is None:
        return _token(tokens, position, target.name), 0
    if isinstance(position, str) and position != "center":
        raise InvisError(f"position {position!r} is wrong: layer {target.name!r} has no tokens")
    if flow.axes[target] is None:
        if position not in ("center", (0, 0)):
            raise InvisError(f"position {position} is wrong: layer {target.name!r} has no map")
        return 0, 0
    rows, cols = flow.map_size(target)
    if not isinstance(position, str):
        row, col = position
        if not (0 <= row < rows and 0 <= col < cols):
            raise InvisError(
                f"position {position} lies outside the layer's map: rows 0 to {rows - 1}, "
                f"columns 0 to {cols - 1}"
            )
        return row, col
    # In a map of even size the four positions in the middle see more or less of the border.
    image = flow.traced.image
    best, most = (rows // 2, cols // 2), -1
    for row in {rows // 2, (rows - 1) // 2}:
        for col in {cols // 2, (cols - 1) // 2}:
            (top, bottom), (left, right) = needs(flow, needed, target, (row, col))[image]
            area = (bottom - top) * (right - left)
            if area > most or (area == most and (row, col) > best):
                best, most = (row, col), area
    return best


def _token(tokens: Tokens, position: Position, name: str) -> int:
    """Which token is at a position."""
    rows, cols = tokens.grid
    if position == CLASS_TOKEN:
        if not tokens.before:
            raise InvisError(f"position 'cls' is wrong: layer {name!r} has no class token")
        return 0
    row, col = (rows // 2, cols // 2) if isinstance(position, str) else position
    if not (0 <= row < rows and 0 <= col < cols):
        raise InvisError(
            f"position {position} lies outside the tokens: rows 0 to {rows - 1}, columns 0 to "
            f"{cols - 1}" + (", or cls" if tokens.before else "")
        )
    return tokens.before + row * cols + col


def field_of(flow: Flow, node: fx.Node) -> int:
    """Rows or columns of the image, whichever are more, that a unit of this node sees.

    By a formula without regard to the border; where there is none, at the map's centre.
    """
    if flow.fields.get(node) is not None or flow.is_whole(node):
        return flow.receptive_field(node)
    needed = ancestors(flow, node)
    need = needs(flow, needed, node, place_of(flow, node, needed, "center"))
    return max(stop - start for start, stop in need[flow.traced.image])


def needs(
    flow: Flow, needed: list[fx.Node], target: fx.Node, place: tuple[int, int]
) -> dict[fx.Node, Window]:
    """The window of each node's map that the target's position depends on."""
    need: dict[fx.Node, Window] = {}
    row, col = place
    if flow.axes[target] is not None:
        need[target] = (row, row + 1), (col, col + 1)
    for node in reversed(needed):
        if (
            isinstance(flow.ops[node], ops.Opaque)
            and node in need
            and node is not flow.traced.image
        ):
            need[node] = flow.whole_map(node)
        for other in flow.sources(node):
            if flow.axes[other] is None:
                continue
            rows, cols = wanted(flow, node, other, need.get(node))
            height, width = flow.map_size(other)
            old_rows, old_cols = need.get(other, (None, None))
            need[other] = (
                hull(old_rows, clip(rows, height)),
                hull(old_cols, clip(cols, width)),
            )
    return need


def wanted(flow: Flow, node: fx.Node, other: fx.Node, window: Window | None) -> Window:
    """The window of `other` that `node` reads for its own window; may cross the border."""
    op = flow.ops[node]
    if window is None or isinstance(op, ops.Opaque):
        return flow.whole_map(other)
    if isinstance(op, ops.Rearrange | ops.Norm | ops.Regroup | ops.Alone):
        return window
    if isinstance(op, ops.Windowed):
        return op.rows.needs(window[0]), op.cols.needs(window[1])
    if isinstance(op, ops.AdaptivePool):
        rows, cols = (
            (adaptive_bin(a, size, bins)[0], adaptive_bin(b - 1, size, bins)[1])
            for (a, b), size, bins in zip(window, flow.map_size(other), op.bins, strict=True)
        )
        return rows, cols
    return window if is_aligned(flow, node, other) else flow.whole_map(other)

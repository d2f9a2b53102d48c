"""A grid of units as cards; a click on one is told to Python."""

from __future__ import annotations

import param
from panel.custom import JSComponent


class UnitGrid(JSComponent):
    """Cards that are plain HTML, written by us alone.

    Attributes:
        content: the cards; each has `data-channel`.
        clicked: the channel of the card that was clicked last; -1 before.
        clicks: how many clicks there were.
    """

    content = param.String()
    clicked = param.Integer(-1)
    clicks = param.Integer(0)

    _esm = """
    export function render({model}) {
      const grid = document.createElement('div');
      grid.className = 'units';
      const draw = () => { grid.innerHTML = model.content; };
      grid.addEventListener('click', event => {
        const card = event.target.closest('[data-channel]');
        if (!card) return;
        model.clicked = parseInt(card.dataset.channel);
        model.clicks = model.clicks + 1;
      });
      model.on('content', draw);
      draw();
      return grid;
    }
    """

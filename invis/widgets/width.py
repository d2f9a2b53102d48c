"""How wide an explorer is on the screen, told to the kernel so that figures fit."""

from __future__ import annotations

import ipywidgets as ipw
import traitlets

_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
# Plotly's widget takes the width of its cell only when the window changes, and text that the kernel
# wraps has to know it beforehand. Stock widgets tell no sizes; an image that loads may run code.
_TELL = """
const box = this.closest('.invis-width'), field = box.querySelector('input'); let timer;
const tell = () => {
  const width = Math.round(box.clientWidth);
  if (width &lt; 1 || field.value === String(width)) return;
  field.value = width;
  for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
};
new ResizeObserver(() => { clearTimeout(timer); timer = setTimeout(tell, 150); }).observe(box);
"""


class Width(ipw.VBox):
    """An element without height that knows its width.

    Attributes:
        pixels: the width, 0 until the page has told it, and for ever where it runs no scripts.
    """

    pixels = traitlets.Int(0)

    def __init__(self) -> None:
        self._field = ipw.Text(layout=ipw.Layout(display="none"))
        image = f'<img alt="" src="{_PIXEL}" style="display:none" onload="{_TELL}">'
        flat = ipw.Layout(width="auto", height="0", margin="0", overflow="hidden")
        super().__init__([self._field, ipw.HTML(image)], layout=flat)
        self.add_class("invis-width")
        self._field.observe(self._told, "value")

    def _told(self, change: dict[str, str]) -> None:
        if change["new"].isdecimal():
            self.pixels = int(change["new"])

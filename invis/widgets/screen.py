"""How wide an explorer is on the screen, and whether the page around it is dark."""

from __future__ import annotations

import ipywidgets as ipw
import traitlets

_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
# Plotly's widget takes the width of its cell only when the window changes, and text that the kernel
# wraps has to know it beforehand; figures can't see the page's colours at all. Stock widgets tell
# neither; an image that loads may run code.
_TELL = """
const box = this.closest('.invis-screen'), field = box.querySelector('input'); let timer;
const dark = () => {
  for (let part = box; part; part = part.parentElement) {
    const ground = getComputedStyle(part).backgroundColor.match(/[\\d.]+/g) || [];
    if (ground.length === 3 || ground[3] > 0.5)
      return 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2] &lt; 128;
  }
  return false;
};
const tell = () => {
  const width = Math.round(box.clientWidth);
  const said = width + (dark() ? ' dark' : ' light');
  if (width &lt; 1 || field.value === said) return;
  field.value = said;
  for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
};
const soon = () => { clearTimeout(timer); timer = setTimeout(tell, 150); };
new ResizeObserver(soon).observe(box);
for (const part of [document.documentElement, document.body])
  new MutationObserver(soon).observe(part, {attributes: true});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', soon);
"""


class Screen(ipw.VBox):
    """An element without height that knows its width and its page's scheme.

    Attributes:
        pixels: the width, 0 until the page has told it, and for ever where it runs no scripts.
        dark: whether to draw dark: as the page is, where the explorer wasn't told.
    """

    pixels = traitlets.Int(0)
    dark = traitlets.Bool(False)

    def __init__(self, dark: bool | None) -> None:
        self._follows = dark is None
        self._field = ipw.Text(layout=ipw.Layout(display="none"))
        image = f'<img alt="" src="{_PIXEL}" style="display:none" onload="{_TELL}">'
        flat = ipw.Layout(width="auto", height="0", margin="0", overflow="hidden")
        super().__init__([self._field, ipw.HTML(image)], layout=flat)
        self.add_class("invis-screen")
        self.dark = bool(dark)
        self._field.observe(self._told, "value")

    def _told(self, change: dict[str, str]) -> None:
        width, _, scheme = change["new"].partition(" ")
        if not width.isdecimal() or scheme not in ("dark", "light"):
            return
        if self._follows:
            self.dark = scheme == "dark"
        self.pixels = int(width)

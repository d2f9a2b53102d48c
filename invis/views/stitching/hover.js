// Of points that stand for inputs: the image under the mouse, and its place in every panel.
(place) => {
  if (!place.layout.meta?.inputs) return;
  const zoom = Math.max(1, Math.round(112 / inputs.width));
  const [width, height] = [inputs.width * zoom, inputs.height * zoom];
  const add = (parent, name) =>
    parent.querySelector(":scope > ." + name) ||
    Object.assign(parent.appendChild(document.createElement("div")), { className: name });
  const image = add(document.body, "input-image");
  image.setAttribute("role", "img");
  Object.assign(image.style, {
    width: `${width}px`,
    height: `${height}px`,
    backgroundImage: `url(${inputs.uri})`,
    backgroundSize: `${width * inputs.columns}px auto`,
    imageRendering: inputs.width <= 16 ? "pixelated" : "auto",
  });
  const rings = add(place, "input-rings");
  const show = (on) => {
    image.style.display = rings.style.display = on ? "block" : "none";
  };
  show(false);
  place.on("plotly_hover", ({ points, event }) => {
    const number = points[0].customdata;
    const [column, row] = [number % inputs.columns, Math.floor(number / inputs.columns)];
    image.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
    image.setAttribute("aria-label", `input ${number}`);
    // Beside the mouse, on the side where there is room.
    const right = event.clientX + 24 + width < window.innerWidth;
    const below = event.clientY + 24 + height < window.innerHeight;
    image.style.left = `${event.clientX + (right ? 18 : -18 - width)}px`;
    image.style.top = `${event.clientY + (below ? 18 : -18 - height)}px`;
    rings.replaceChildren();
    for (const trace of place._fullData) {
      const k = trace.visible === true ? Array.from(trace.customdata || []).indexOf(number) : -1;
      if (k < 0) continue;
      const axis = (id) => place._fullLayout[id[0] + "axis" + id.slice(1)];
      const [x, y] = [axis(trace.xaxis), axis(trace.yaxis)];
      const ring = rings.appendChild(document.createElement("div"));
      ring.style.left = `${x._offset + x.d2p(trace.x[k])}px`;
      ring.style.top = `${y._offset + y.d2p(trace.y[k])}px`;
    }
    show(true);
  });
  place.on("plotly_unhover", () => show(false));
}

// The last readings as a line in an <svg>.

const WIDTH = 300;
const HEIGHT = 84;
const PADDING = 8;
const RIGHT = 14;
const POINTS = 45;

export class Sparkline {
  #svg;
  #values = [];

  constructor(svg) {
    this.#svg = svg;
    svg.innerHTML = `
      <defs>
        <linearGradient id="spark-fill" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="currentColor" stop-opacity=".28"/>
          <stop offset="1" stop-color="currentColor" stop-opacity="0"/>
        </linearGradient>
      </defs>
      <path class="spark-area" fill="url(#spark-fill)"/>
      <path class="spark-line" fill="none" stroke="currentColor" vector-effect="non-scaling-stroke"/>
      <path class="spark-dot" fill="none" stroke="currentColor" vector-effect="non-scaling-stroke"/>`;
  }

  get values() {
    return this.#values;
  }

  add(value) {
    this.#values = [...this.#values, value].slice(-POINTS);
    this.#draw();
  }

  #draw() {
    const values = this.#values;
    const low = Math.min(...values);
    const range = Math.max(Math.max(...values) - low, 1);
    const step = (WIDTH - RIGHT) / (POINTS - 1);
    const left = WIDTH - RIGHT - step * (values.length - 1);
    const points = values.map((value, index) => [
      left + index * step,
      HEIGHT - PADDING - ((value - low) / range) * (HEIGHT - 2 * PADDING),
    ]);
    const line = smooth(points);
    const [firstX] = points[0];
    const [lastX, lastY] = points.at(-1);
    this.#svg.querySelector(".spark-line").setAttribute("d", line);
    this.#svg.querySelector(".spark-area").setAttribute("d", `${line}L${lastX} ${HEIGHT}L${firstX} ${HEIGHT}Z`);
    this.#svg.querySelector(".spark-dot").setAttribute("d", `M${lastX} ${lastY}h0.001`);
    this.#svg.setAttribute(
      "aria-label",
      `Readings: ${values.length}, from ${low} to ${Math.max(...values)} °C, now ${values.at(-1)} °C`,
    );
  }
}

/** A path through the points, bent softly between them. */
function smooth(points) {
  let path = `M${points[0].join(" ")}`;
  for (let index = 1; index < points.length; index += 1) {
    const [x0, y0] = points[index - 1];
    const [x1, y1] = points[index];
    const middle = (x0 + x1) / 2;
    path += `C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
  }
  return path;
}

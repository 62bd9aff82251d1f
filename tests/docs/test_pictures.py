"""The pictures, as Chromium draws them: on a telephone and on a desk, by day and by night."""

from typing import TYPE_CHECKING, Any

import pytest

from docs.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("site")]

PAGES = ["explain/layers", "explain/life-of-a-connection", "explain/states", "reference/states"]

LOOK = """
() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const within = (inner, outer) =>
    inner.left >= outer.left - 1 && inner.right <= outer.right + 1 &&
    inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const page = getComputedStyle(document.body).backgroundColor;
  const found = [];
  let pictures = 0;
  for (const svg of document.querySelectorAll("figure.drawing svg")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    pictures += 1;
    const name = svg.querySelector("title").textContent;
    const scale = frame.width / svg.viewBox.baseVal.width;
    if (frame.right > document.documentElement.clientWidth) found.push(`${name}: wider than the page`);
    const boxes = [...svg.querySelectorAll("rect.box")].map((rect) => [rect, rect.getBoundingClientRect()]);
    const texts = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    for (const [text, own] of texts) {
      const style = getComputedStyle(text);
      const size = parseFloat(style.fontSize) * scale;
      if (size < 11) found.push(`${name}: ${text.textContent} is ${size} px`);
      if (!within(own, frame)) found.push(`${name}: ${text.textContent} is cut off`);
      // What is behind its middle.
      const x = (own.left + own.right) / 2, y = (own.top + own.bottom) / 2;
      const behind = boxes.find(([, box]) => x > box.left && x < box.right && y > box.top && y < box.bottom);
      if (behind && (own.left < behind[1].left || own.right > behind[1].right)) {
        found.push(`${name}: ${text.textContent} does not fit into its box`);
      }
      const ratio = contrast(style.fill, behind ? getComputedStyle(behind[0]).fill : page);
      if (ratio < 4.5) found.push(`${name}: ${text.textContent} has a contrast of ${ratio}`);
    }
    texts.forEach(([one, own], index) => {
      for (const [other, its] of texts.slice(index + 1)) {
        const across = Math.min(own.right, its.right) - Math.max(own.left, its.left);
        const down = Math.min(own.bottom, its.bottom) - Math.max(own.top, its.top);
        if (across > 0 && down > 3) found.push(`${name}: ${one.textContent} lies on ${other.textContent}`);
      }
    });
    for (const line of svg.querySelectorAll(".line, .faint, .box")) {
      const ratio = contrast(getComputedStyle(line).stroke, page);
      if (ratio < 3) found.push(`${name}: a line has a contrast of ${ratio}`);
    }
  }
  return [pictures, [...new Set(found)]];
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_picture_can_be_read(site: Site, chromium: "Browser", width: int, scheme: Any) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    seen = 0
    wrong: list[str] = []
    for name in PAGES:
        page.goto((site.folder / f"{name}.html").as_uri())
        pictures, found = page.evaluate(LOOK)
        seen += pictures
        wrong += [f"{name}: {each}" for each in found]
    context.close()
    assert wrong == []
    assert seen == 1 + 8 + 2 + 2

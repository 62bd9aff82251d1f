"""The site in Chromium: by axe-core, on a telephone and on a desk, by day and by night, and with the keyboard alone."""

from typing import TYPE_CHECKING, Any

import pytest

from docs.site import Site
from docs.slow_network import served_slowly

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("site")]

PAGES = [
    "index",
    "tutorial/first-socket",
    "howto/deploy",
    "explain/life-of-a-connection",
    "reference/handler",
    "reference/settings",
    "benchmarks",
]
"""One of each kind."""

SCREENS = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SHIFT = """
() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
})
"""


def opened(chromium: "Browser", width: int, scheme: Any) -> "Page":
    return chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_axe_finds_nothing(site: Site, chromium: "Browser", width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the group docs is not installed").Axe()
    page = opened(chromium, width, scheme)
    found = []
    for name in PAGES:
        page.goto((site.folder / f"{name}.html").as_uri())
        for violation in axe.run(page, options={"runOnly": RULES}).response["violations"]:
            where = [node["target"] for node in violation["nodes"]]
            found.append(f"{name}: {violation['id']}: {violation['help']}: {where[:3]}")
    page.context.close()
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(site: Site, chromium: "Browser", width: int) -> None:
    page = opened(chromium, width, "light")
    wide = []
    for name in site.prose:
        page.goto((site.folder / name).as_uri())
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(name)
    page.context.close()
    assert wide == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_as_a_page_loads(site: Site, chromium: "Browser", width: int) -> None:
    page = opened(chromium, width, "light")
    moved = {}
    with served_slowly(site.folder) as address:
        for name in PAGES:
            page.goto(f"{address}/{name}.html")
            # https://web.dev/articles/cls: up to 0.1 is good.
            if (shift := page.evaluate(SHIFT)) > 0.01:
                moved[name] = shift
        page.context.close()
    assert moved == {}


def test_search_finds_a_name(site: Site, chromium: "Browser") -> None:
    page = opened(chromium, 1280, "light")
    page.goto((site.folder / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("start_ping")
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.search li a")
    assert any("start_ping" in text for text in page.locator("ul.search li a").all_inner_texts())
    page.context.close()


def test_everything_can_be_done_by_keyboard(site: Site, chromium: "Browser") -> None:
    page = opened(chromium, 1280, "light")
    page.goto((site.folder / "tutorial" / "first-socket.html").as_uri())
    reached: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        name: str = page.evaluate(
            "(e => e === document.body ? '' : `${e.className} ${e.tagName} ${e.name || ''}`)(document.activeElement)"
        )
        if not name:
            break
        reached.append(name)
        # Whoever sees, sees where the focus is.
        assert page.evaluate("(e => e.matches(':focus-visible'))(document.activeElement)"), name
    for part in ("theme-toggle", "copybtn", "INPUT q", "sidebar-brand", "next-page"):
        assert any(part in name for name in reached), (part, reached)
    page.context.close()


def test_the_theme_can_be_chosen_and_stays(site: Site, chromium: "Browser") -> None:
    page = opened(chromium, 1280, "light")
    page.goto((site.folder / "index.html").as_uri())
    seen = set()
    for _ in range(3):
        page.locator(".content-icon-container .theme-toggle, .theme-toggle-content .theme-toggle").first.click()
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        if page.evaluate("document.body.dataset.theme") == "dark":
            page.reload()
            assert page.evaluate("document.body.dataset.theme") == "dark"
    assert len(seen) == 2
    page.context.close()

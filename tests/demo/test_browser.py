"""The demo's page in a real Chromium: what its user sees and can do."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("demo-browser"),
]

RunDemo = Callable[[int], AbstractContextManager[str]]


@pytest.fixture
def blank(new_page: Callable[[], Page]) -> Page:
    return new_page()


@pytest.fixture
def page(blank: Page, demo_url: str) -> Page:
    blank.goto(demo_url)
    expect_state(blank, "OPEN")
    return blank


def expect_state(page: Page, state: str) -> None:
    expect(page.get_by_role("banner").locator(".pill")).to_have_text(state, timeout=20_000)


def expect_close(page: Page, code: int, name: str) -> None:
    panel = page.locator("#last-close")
    expect(panel).to_contain_text(str(code), timeout=20_000)
    expect(panel).to_contain_text(name)


def test_echo_shows_the_reply_and_its_latency(page: Page) -> None:
    card = page.get_by_role("region", name="Echo")
    card.get_by_label("Message").fill("Grüße aus dem Browser")
    card.get_by_role("button", name="Send").click()
    expect(card.locator(".reply-text")).to_have_text("Grüße aus dem Browser")
    expect(card.locator(".latency")).to_have_text(re.compile(r"^\d+\.\d ms$"))


def test_login_and_logout_reach_the_socket(page: Page) -> None:
    card = page.get_by_role("region", name="Who am I?")
    expect(card).to_contain_text("You are anonymous")
    card.get_by_label("Password").fill("wrong")
    card.get_by_role("button", name="Log in").click()
    expect(card.get_by_role("alert")).to_contain_text("do not match")
    card.get_by_label("Password").fill("demo")
    card.get_by_role("button", name="Log in").click()
    expect(card).to_contain_text("You are demo", timeout=20_000)
    expect_state(page, "OPEN")
    card.get_by_role("button", name="Log out").click()
    expect(card).to_contain_text("You are anonymous", timeout=20_000)


def test_members_get_in_and_others_are_told_why_not(page: Page) -> None:
    card = page.get_by_role("region", name="Who gets in")
    knock = card.get_by_role("button", name="Knock")
    login = page.get_by_role("region", name="Who am I?")
    log_in = card.get_by_role("link", name="Log in")
    expect(login).to_contain_text("You are anonymous")
    expect(log_in).to_be_hidden()

    knock.press("Enter")
    expect(card.locator(".code-badge")).to_have_text("4401")
    expect(card).to_contain_text("Unauthorized")
    expect(card).to_contain_text("Nobody is logged in")
    expect(knock).to_be_focused()  # who uses the keyboard keeps their place
    log_in.press("Enter")
    expect(login.get_by_label("User")).to_be_focused()
    login.get_by_label("User").press("Enter")
    expect(login).to_contain_text("You are demo", timeout=20_000)

    expect(card).to_contain_text("Now you are demo")
    expect(card.locator(".code-badge")).to_be_hidden()  # what was said of the one before no longer holds
    expect(log_in).to_be_hidden()
    knock.press("Enter")
    expect(card).to_contain_text("Welcome, demo!")
    expect(card.locator(".code-badge")).to_have_text("1000")

    login.get_by_role("button", name="Log out").click()
    expect(card).to_contain_text("You have logged out", timeout=20_000)
    knock.press("Enter")
    expect(card.locator(".code-badge")).to_have_text("4401")
    expect_state(page, "OPEN")  # the page's own connection has nothing to do with it


def test_knock_at_a_server_that_is_away_is_not_called_a_refusal(page: Page) -> None:
    card = page.get_by_role("region", name="Who gets in")
    page.route_web_socket("**/ws/members/", lambda ws: ws.close(code=1012, reason="Away"))
    card.get_by_role("button", name="Knock").click()
    expect(card.locator(".code-badge")).to_have_text("1012")
    expect(card).to_contain_text("Service Restart")
    expect(card.get_by_role("link", name="Log in")).to_be_hidden()


def test_flood_that_waits_loses_nothing(page: Page) -> None:
    card = page.get_by_role("region", name="Flood")
    wait = card.get_by_role("button", name="WAIT")
    wait.press("Enter")
    expect(card.get_by_role("img", name=re.compile(r"^[1-9]\d* of 200 messages"))).to_be_visible()
    expect(wait).to_have_attribute("aria-disabled", "true")
    expect(wait).to_be_focused()
    wait.press("Enter")  # does nothing while one is under way
    expect(card).to_contain_text("All 200 came back, in order", timeout=40_000)
    expect(card).to_contain_text("None was lost.")
    expect(card.locator(".cells .back")).to_have_count(200)
    expect(wait).to_have_attribute("aria-disabled", "false")
    sent = page.get_by_role("log").get_by_text("/ws/patient/ 200 messages at once")
    expect(sent).to_have_count(1)


def test_flood_that_is_too_much_is_closed_with_1008(page: Page) -> None:
    card = page.get_by_role("region", name="Flood")
    card.get_by_role("button", name="CLOSE").click()
    expect(card).to_contain_text("Closed with 1008: Policy Violation, “too many messages”.", timeout=20_000)
    back = card.locator(".cells .back").count()
    assert back < 200
    expect(card).to_contain_text(f"{back} of 200 had come back.")
    expect_state(page, "OPEN")


# What the page says of a code, and whether it comes back after it.
CODES = [
    (1000, "Normal Closure", False),
    (1006, "Abnormal Closure", True),
    (1012, "Service Restart", True),
    (3000, "Registered Code", True),
    (3008, "Timeout", False),
    (4001, "Application Code", False),
    (4299, "Application Code", False),
    (4302, "Handshake Refused", False),
    (4401, "Unauthorized", False),
    (4403, "Forbidden", False),
    (4404, "Not Found", False),
    (4418, "Handshake Refused", False),
    (4429, "Too Many Requests", True),
    (4500, "Handshake Refused", True),
    (4503, "Service Unavailable", True),
    (4600, "Application Code", False),
]


def test_codes_have_their_meaning_and_a_way_on(page: Page) -> None:
    said = page.evaluate(
        """async (codes) => {
            const { explain, shouldRetry } = await import("/static/playground/close-codes.js");
            return codes.map((code) => [code, explain(code).name, shouldRetry(code), explain(code).meaning]);
        }""",
        [code for code, _, _ in CODES],
    )
    assert [(code, name, again) for code, name, again, _ in said] == CODES
    meanings = {code: meaning for code, _, _, meaning in said}
    assert all(meanings.values())
    assert "HTTP status 418" in meanings[4418]


def test_weather_and_ping_are_drawn_as_they_come(page: Page) -> None:
    weather = page.get_by_role("region", name="Live weather")
    weather.get_by_role("button", name="Start").click()
    expect(weather.get_by_role("img", name=re.compile(r"^Readings: ([2-9]|\d\d),"))).to_be_visible(timeout=20_000)
    expect(weather.locator(".reading")).to_have_text(re.compile(r"^-?\d+\.\d\s*°C$"))
    weather.get_by_role("button", name="Stop").click()
    ping = page.get_by_role("region", name="Ping")
    expect(ping.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"), timeout=20_000)


def test_countdown_is_a_socket_of_its_own(page: Page) -> None:
    card = page.get_by_role("region", name="A function is a socket")
    card.get_by_label("From").fill("1")
    card.get_by_role("button", name="Count down").click()
    expect(card).to_contain_text("Closed with 1000, Normal Closure.", timeout=20_000)
    expect(card.get_by_role("status")).to_have_text("Lift-off!")


def test_close_by_the_server_is_explained(page: Page) -> None:
    buttons = page.get_by_role("region", name="Make the server close")
    buttons.get_by_role("button", name="4001").click()
    expect_state(page, "CLOSED")
    expect_close(page, 4001, "A code of our own")
    expect(buttons.get_by_role("button", name="1011")).to_be_disabled()  # it was meant so: the page stays away
    page.get_by_role("button", name="Reconnect").click()
    expect_state(page, "OPEN")
    buttons.get_by_role("button", name="1011").click()
    expect_close(page, 1011, "Internal Error")
    expect_state(page, "OPEN")  # a fault is no reason to stay away
    buttons.get_by_role("button", name="1007").click()
    expect_close(page, 1007, "Invalid Frame Payload Data")


def test_page_survives_a_restart_of_the_server(blank: Page, run_demo: RunDemo, free_port: Callable[[], int]) -> None:
    page = blank
    port = free_port()
    weather = page.get_by_role("region", name="Live weather")
    with run_demo(port) as url:
        page.goto(url)
        expect_state(page, "OPEN")
        weather.get_by_role("button", name="Start").click()
        expect(weather.get_by_role("img", name=re.compile("^Readings: "))).to_be_visible(timeout=20_000)
    expect_state(page, "CLOSED")
    expect_close(page, 1012, "Service Restart")
    expect(page.get_by_role("region", name="Connection")).to_contain_text("Reconnecting in")
    with run_demo(port):
        expect_state(page, "OPEN")
        drawn = weather.get_by_role("img", name=re.compile("^Readings: "))
        before = drawn.get_attribute("aria-label") or ""
        expect(drawn).not_to_have_attribute("aria-label", before, timeout=20_000)  # the weather goes on


def test_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    card = page.get_by_role("region", name="Who gets in")
    card.get_by_role("button", name="Knock").click()
    expect(card).to_contain_text("4401")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_every_control_has_a_name(page: Page) -> None:
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input:not([type=hidden]), a, summary")]
            .filter((e) => !(e.textContent.trim() || e.labels?.length || e.getAttribute("aria-label")))
            .map((e) => e.outerHTML)"""
    )
    assert unnamed == []

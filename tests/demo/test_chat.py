"""The chat room of the demo's page, in a real Chromium: two pages talk, and are told of whatever gets lost."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Locator, Page, expect

from topics.engines import support_valkey

pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("demo-browser"),
]

PATIENCE = 30_000  # milliseconds, for a machine that is busy with other tests

NewPage = Callable[[], Page]


def enter(page: Page, url: str) -> str:
    """Open the page; give the name that it has in the room."""
    page.goto(url)
    return name_in(page)


def name_in(page: Page, pattern: str = r"guest \w+-\d\d") -> str:
    status = page.locator("[data-text=chat-status]")
    expect(status).to_have_text(re.compile(rf"^You are {pattern}\.$"), timeout=PATIENCE)
    return (status.text_content() or "").removeprefix("You are ").removesuffix(".")


def card(page: Page) -> Locator:
    return page.get_by_role("region", name="Chat room")


def say(page: Page, text: str, way: str = "Send") -> None:
    card(page).get_by_label("What to say").fill(text)
    card(page).get_by_role("button", name=way).click()


def expect_last(page: Page, *texts: str) -> None:
    """Wait until the newest in the room is this."""
    newest = card(page).get_by_role("listitem").last
    for text in texts:
        expect(newest).to_contain_text(text, timeout=PATIENCE)


def test_two_pages_talk(new_page: NewPage, demo_url: str) -> None:
    alice, bob = new_page(), new_page()
    a = enter(alice, demo_url)
    expect_last(alice, f"{a} joined")
    b = enter(bob, demo_url)
    expect_last(alice, f"{b} joined")

    say(bob, "Grüße <b>an alle</b>")
    for page in (alice, bob):
        expect_last(page, b, "Grüße <b>an alle</b>")
    expect(card(bob).locator(".said[data-mine]")).to_have_count(1)
    expect(card(alice).locator(".said[data-mine]")).to_have_count(0)

    say(alice, "This goes to a view", way="Post to a view")
    for page in (alice, bob):
        expect_last(page, a, "This goes to a view", "view, worker")

    bob.close()
    expect_last(alice, f"{b} left")


def test_a_login_is_one_in_the_room(new_page: NewPage, demo_url: str) -> None:
    alice, bob = new_page(), new_page()
    a = enter(alice, demo_url)
    b = enter(bob, demo_url)
    alice.get_by_role("button", name="Log in").click()
    assert name_in(alice, "demo") == "demo"
    expect(card(bob)).to_contain_text(f"{a} left", timeout=PATIENCE)
    expect_last(bob, "demo joined")
    expect(card(alice)).to_contain_text("Back in the room. What was said meanwhile is not shown.")
    for way in ("Send", "Post to a view"):
        say(alice, f"A user speaks, {way}", way=way)
        expect_last(bob, "demo", f"A user speaks, {way}")
    alice.get_by_role("button", name="Log out").click()
    assert name_in(alice) == a  # as before
    say(bob, "Welcome back")
    expect_last(alice, b, "Welcome back")


def test_the_keyboard_is_enough(new_page: NewPage, demo_url: str) -> None:
    page = new_page()
    enter(page, demo_url)
    text = card(page).get_by_label("What to say")
    text.focus()
    for said in ("One", "Two"):
        page.keyboard.type(said)
        page.keyboard.press("Enter")
        expect_last(page, said)
        expect(text).to_be_focused()
        expect(text).to_have_value("")
    page.keyboard.type("Three")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_last(page, "Three", "view, worker")


def test_what_cannot_be_said_is_told(new_page: NewPage, demo_url: str) -> None:
    page = new_page()
    enter(page, demo_url)
    room = card(page)
    text = room.get_by_label("What to say")
    height = room.evaluate("(each) => each.offsetHeight")
    for blank in ("", "   "):
        say(page, blank)
        assert text.evaluate("field => !field.validity.valid")  # the browser itself says so
    page.evaluate("document.querySelector('#chat-form').noValidate = true")
    text.evaluate("field => field.removeAttribute('maxlength')")
    for bad, by_socket, by_view in (
        ("   ", "matching regex", "This field is required"),
        ("x" * 201, "length <= 200", "at most 200 characters"),
    ):
        for way, why in (("Send", by_socket), ("Post to a view", by_view)):
            say(page, bad, way=way)
            expect(room.get_by_role("alert")).to_contain_text("Not said: ")
            expect(room.get_by_role("alert")).to_contain_text(why)
            expect(text).to_have_value(bad)  # to be mended, not written again
            assert room.evaluate("(each) => each.offsetHeight") == height  # nothing moves
    say(page, "x" * 200)
    expect_last(page, "x" * 200)
    expect(room.get_by_role("alert")).to_be_hidden()
    expect(room.locator(".said")).to_have_count(1)
    name_in(page)  # and is in the room all the time


def test_an_engine_that_goes_and_comes_back_is_told(
    new_page: NewPage,
    run_demo: Callable[..., AbstractContextManager[str]],
    free_port: Callable[[], int],
) -> None:
    page = new_page()
    room = card(page)
    with (
        support_valkey.running() as engine,
        run_demo(free_port(), DEMO_ENGINE="valkey", DEMO_ENGINE_LOCATION=engine.url) as url,
    ):
        name = enter(page, url)
        expect(room).to_contain_text("Engine: valkey")
        say(page, "Before")
        expect_last(page, "Before")

        engine.kill()
        for way in ("Send", "Post to a view"):
            say(page, f"Lost, {way}", way=way)
            expect(room.get_by_role("alert")).to_have_text("Not said: the engine is away.", timeout=PATIENCE)
            expect(room.get_by_label("What to say")).to_have_value(f"Lost, {way}")

        engine.start()
        expect(room).to_contain_text("Out of the room: 1012 Service Restart", timeout=PATIENCE)
        expect(room).to_contain_text("Back in the room. What was said meanwhile is not shown.", timeout=PATIENCE)
        assert name_in(page) == name
        for way in ("Send", "Post to a view"):
            say(page, f"After, {way}", way=way)
            expect_last(page, name, f"After, {way}")
        expect(room.get_by_text("Lost, ")).to_have_count(0)


def test_a_server_that_restarts_is_told(
    new_page: NewPage, run_demo: Callable[..., AbstractContextManager[str]], free_port: Callable[[], int]
) -> None:
    page = new_page()
    port = free_port()
    with run_demo(port) as url:
        name = enter(page, url)
    expect_last(page, "Out of the room: 1012 Service Restart")
    expect(page.locator("[data-text=chat-status]")).to_contain_text("Coming back in")
    expect(card(page).get_by_role("button", name="Send")).to_be_disabled()
    with run_demo(port):
        expect(card(page)).to_contain_text("Back in the room.", timeout=PATIENCE)
        assert name_in(page) == name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_conversation_fits_a_phone_and_can_be_read(new_page: NewPage, demo_url: str, scheme: str) -> None:
    page = new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, demo_url)
    say(page, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2)
    expect_last(page, "Donaudampf")
    other = new_page()
    enter(other, demo_url)
    say(other, "Hello")
    expect_last(page, "Hello")
    for element in ("html", ".chat-scroll"):
        assert page.locator(element).evaluate("(each) => each.scrollWidth <= each.clientWidth")
    bottom = page.locator(".chat-scroll").evaluate("(each) => each.scrollHeight - each.clientHeight - each.scrollTop")
    assert bottom < 2  # the newest is in sight
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context="#chat").response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []

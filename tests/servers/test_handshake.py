"""The answers to a handshake."""

import pytest

from servers.harness import Run
from servers.raw import TEXT, RawClient, Response


async def ask(run: Run, path: str, *headers: tuple[str, str]) -> Response:
    visit = run.visit(path)
    client = await RawClient.open(run.server.port, visit.target, headers=headers)
    response = await client.answer()
    await client.leave()
    return response


async def test_unknown_path(run: Run) -> None:
    response = await ask(run, "there/is/none/")
    if not run.habits.denial_response:
        assert response.status == 403
        return
    assert response.status == 404
    assert response.body == b"Not Found\n"
    assert run.output().count("WARNING django_ws: Not Found: '/there/is/none/'") == 1


@pytest.mark.parametrize(
    ("path", "status", "fault"),
    [
        ("door/shut/", 403, None),
        ("door/forbidden/", 403, None),
        ("door/missing/", 404, None),
        ("door/broken/", 500, "ValueError: a fault in the middleware"),
        ("denying/forbidden/", 403, None),
        ("denying/missing/", 404, None),
        ("denying/close/", 403, None),
        ("faulty/init/", 500, "ValueError: a fault in init"),
        ("faulty/connect/", 500, "ValueError: a fault in connect"),
    ],
)
async def test_denied(run: Run, path: str, status: int, fault: str | None) -> None:
    if fault is not None:
        run.expect_fault(fault)
    response = await ask(run, path)
    assert response.status == (status if run.habits.denial_response else 403)
    assert b"fault" not in response.body
    assert run.visits[0].events("open") == []


@pytest.mark.parametrize(
    ("way", "status", "header"),
    [("login", 302, ("location", "/login/")), ("maintenance", 503, ("retry-after", "60")), ("broken", 500, None)],
)
async def test_denied_by_djangos_own_middleware(
    run: Run, way: str, status: int, header: tuple[str, str] | None
) -> None:
    if way == "broken":
        run.expect_fault("ValueError: a fault in MIDDLEWARE")
    response = await ask(run, f"gate/{way}/")
    assert response.status == (status if run.habits.denial_response else 403)
    assert b"fault" not in response.body
    if header is not None and run.habits.denial_response:
        assert header in response.headers
    assert run.visits[0].events("open") == []


async def test_accepted_by_djangos_own_middleware_with_its_headers_and_cookies(run: Run) -> None:
    visit = run.visit("gate/open/")
    client = await visit.raw()
    response = await client.answer()
    assert response.status == 101
    if run.habits.accept_headers:
        assert response.all("x-gate") == ["open"]
        assert response.all("set-cookie") == ["seen=yes; Path=/"]
        assert response.all("content-type") == []
    client.send(TEXT, b"hello")
    assert await client.receive() == (TEXT, b"hello")


async def test_on_connect_gives_a_response(run: Run) -> None:
    response = await ask(run, "denying/teapot/")
    if not run.habits.denial_response:
        assert response.status == 403
        pytest.skip(f"{run.habits.title} has no denial response: every denial is a plain 403")
    assert response.status == 418
    assert response.all("x-handle") == ["here"]
    assert response.all("content-length") == ["15"]
    assert response.body == b"short and stout"


async def test_on_connect_gives_json_or_a_redirect(run: Run) -> None:
    json, redirect = await ask(run, "denying/json/"), await ask(run, "denying/redirect/")
    if not run.habits.denial_response:
        assert (json.status, redirect.status) == (403, 403)
        pytest.skip(f"{run.habits.title} has no denial response: every denial is a plain 403")
    assert (json.status, json.body) == (401, b'{"error": "log in first"}')
    assert json.all("content-type") == ["application/json"]
    assert (redirect.status, redirect.all("location")) == (302, ["/elsewhere/"])


async def test_foreign_origin(run: Run) -> None:
    assert (await ask(run, "echo/text/", ("Origin", "https://elsewhere.example"))).status == 403
    assert (await ask(run, "echo/text/", ("Origin", "null"))).status == 403
    assert run.visits[0].events() == run.visits[1].events() == []


async def test_own_origin(run: Run) -> None:
    assert (await ask(run, "echo/text/", ("Origin", f"http://127.0.0.1:{run.server.port}"))).status == 101


async def test_a_value_out_of_the_middleware(run: Run) -> None:
    """No server sees it: uvicorn would log an error."""
    visit = run.visit("door/value/")
    async with visit.connect() as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
    assert (await visit.end())["outcome"] == "ok"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["chat.v1"], "chat.v1"), (["chat.v1", "chat.v2"], "chat.v2"), (["other"], None), (None, None)],
)
async def test_subprotocol(run: Run, offered: list[str] | None, chosen: str | None) -> None:
    async with run.visit("subprotocols/").connect(subprotocols=offered) as ws:
        assert ws.subprotocol == chosen
        assert await ws.recv() == str(chosen)


async def test_accept_headers(run: Run) -> None:
    response = await ask(run, "headers/")
    assert response.status == 101
    if not run.habits.accept_headers:
        pytest.skip(f"{run.habits.title} does not send the headers of an accept")
    assert response.all("x-greeting") == ["hello"]
    assert response.all("set-cookie") == ["a=1", "b=2"]

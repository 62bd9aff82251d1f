"""A server's own faults are told apart from all else, frame by frame; and they are the server's own."""

from pathlib import Path

import pytest

from resilience.logs import OWN, parse
from servers.habits import SERVERS, Habits
from servers.harness import Server, until
from servers.raw import RawClient

OWNERS = [pytest.param(habits, id=habits.key) for habits in SERVERS if habits.key in OWN]


def traceback(server: str) -> str:
    """Write the traceback that a server is known for."""
    last, frames = OWN[server]
    lines = [f'  File "/lib/{file}", line 1, in {function}\n    await it()' for file, function in frames]
    return "\n".join(["ERROR:    failed", "Traceback (most recent call last):", *lines, last, ""])


@pytest.mark.server
@pytest.mark.parametrize("habits", OWNERS)
async def test_a_bare_application_shows_it(habits: Habits, tmp_path: Path) -> None:
    server = Server(habits, tmp_path, application="resilience.site.bare:application")
    try:
        client = await RawClient.open(server.port, "/", buffer=4096)
        assert (await client.answer()).status == 101
        # The message has begun, and cannot all be sent: the one send of the application waits.
        await client.reader.readexactly(2)
        client.close()
        came = await until(lambda: parse(server.output(), habits.key).own == 1)
        client.reset()
        await client.leave()
    finally:
        server.kill()
    assert came, server.output()


@pytest.mark.parametrize("server", OWN)
def test_it_is_counted_for_that_server_only(server: str) -> None:
    text = traceback(server)
    assert (parse(text * 2, server).own, parse(text, server).foreign) == (2, [])
    for other in ("", *[habits.key for habits in SERVERS if habits.key != server]):
        assert (parse(text, other).own, len(parse(text, other).foreign)) == (0, 1)


@pytest.mark.parametrize("server", OWN)
def test_anything_else_in_it_makes_it_foreign(server: str) -> None:
    text = traceback(server)
    last = OWN[server][0]
    first, _, rest = text.partition("  File")
    ours = '  File "/src/django_ws/handler/outbox.py", line 1, in run\n'
    chained = f"{text}\nDuring handling of the above exception, another exception occurred:\n\n{text}"
    for other in (
        f"{first}{ours}  File{rest}",
        text.replace(f"\n{last}\n", f"\n{ours}{last}\n"),
        text.replace(f"\n{last}\n", f"\n{last}: of another kind\n"),
        text.replace("/lib/websockets/", "/lib/others/"),
        chained,
    ):
        assert (parse(other, server).own, len(parse(other, server).foreign)) == (0, 1), other

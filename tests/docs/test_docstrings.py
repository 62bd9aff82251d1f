"""The examples in docstrings run: those with a prompt as doctests, all others by the names that they are about."""

import doctest
import importlib
import os
import unittest
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required as view_login_required
from django.dispatch import Signal, receiver
from django.http import JsonResponse

import django_ws
from django_ws.guards import login_required, permission_required
from django_ws.interfaces import TaskManager
from django_ws.middleware import LocaleMiddleware, TokenMiddleware, socket_token
from django_ws.testing import TaskManagerConformance
from django_ws.testing.brokers import BrokerConformance
from docs.site import ROOT
from docs.test_site import examples

# The examples define anything.
Names = dict[str, Any]

NEEDS_MORE = {
    "django_ws/testing/client.py:connect": "a route; tests/testing/test_client.py",
    "django_ws/testing/clock.py:freeze_clock": "a route; tests/testing/test_clock.py",
    "django_ws/testing/live.py:WebSocketLiveServerTestCase": "a server; tests/testing/test_live.py",
    "django_ws/testing/peer.py:Peer": "an application; tests/testing/test_peer.py",
    "django_ws/testing/publishes.py:capture_publishes": "a view; examples/tutorial/step6/chat/tests.py",
    "django_ws/topics/topic.py:listen": "a topic that somebody publishes to; tests/topics/test_listener.py",
    "django_ws/topics/topic.py:Topic": "a broker; tests/topics/test_topic.py",
}
"""What an example needs that is no name, and where the same is tested. It is compiled by test_site.py."""

RUN = [(where, code) for where, code in examples() if where not in NEEDS_MORE]


def names_of(where: str) -> Names:
    """Give what a reader of that docstring has imported."""
    guards: Names = {"login_required": login_required, "permission_required": permission_required}
    views: Names = {"login_required": view_login_required, "JsonResponse": JsonResponse, "socket_token": socket_token}
    return {
        **{name: getattr(django_ws, name) for name in django_ws.__all__},
        **(views if where.endswith(":socket_token") else guards),
        "LocaleMiddleware": LocaleMiddleware,
        "TokenMiddleware": TokenMiddleware,
        "BrokerConformance": BrokerConformance,
        "TaskManager": TaskManager,
        "TaskManagerConformance": TaskManagerConformance,
        "receiver": receiver,
        "unittest": unittest,
        "os": os,
        "websocket_closed": Signal(),  # of this run alone: nothing stays connected
    }


@pytest.mark.parametrize(("where", "code"), RUN, ids=[where for where, _ in RUN])
def test_an_example_runs(where: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_PASSWORD", "secret")
    names = names_of(where)
    before = set(names)
    exec(compile(code, where, "exec"), names)
    assert set(names) - before - {"__builtins__"}


def test_no_exception_is_left_that_is_not_needed() -> None:
    assert set(NEEDS_MORE) <= {where for where, _ in examples()}
    assert all((ROOT / why.partition("; ")[2]).is_file() for why in NEEDS_MORE.values())


def test_the_receiver_of_the_example_is_connected() -> None:
    (code,) = [code for where, code in examples() if where == "django_ws/signals.py:"]
    names = names_of("django_ws/signals.py:")
    exec(compile(code, "signals", "exec"), names)
    assert names["websocket_closed"].has_listeners()


def test_doctests_run() -> None:
    # Only what has some is imported: an import may register things with Django.
    prompts = [path for path in sorted((ROOT / "src").rglob("*.py")) if ">>> " in path.read_text("utf-8")]
    for path in prompts:
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        assert doctest.testmod(importlib.import_module(".".join(parts).removesuffix(".__init__"))).failed == 0, path

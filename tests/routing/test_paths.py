import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from django_ws.routing.paths import path_info, script_prefix


@pytest.mark.parametrize(
    ("scope", "prefix"),
    [
        ({}, ""),
        ({"root_path": None}, ""),
        ({"root_path": ""}, ""),
        ({"root_path": "/"}, ""),
        ({"root_path": "/app"}, "/app"),
        ({"root_path": "/app/"}, "/app"),
        ({"root_path": "/a/b"}, "/a/b"),
    ],
)
def test_the_prefix_is_the_root_path_without_its_last_slash(scope: dict[str, object], prefix: str) -> None:
    assert script_prefix(scope) == prefix


@pytest.mark.parametrize("forced", ["/forced", "/forced/"])
def test_force_script_name_wins_over_the_root_path(forced: str) -> None:
    with override_settings(FORCE_SCRIPT_NAME=forced):
        assert script_prefix({"root_path": "/app"}) == "/forced"
        assert path_info({"path": "/forced/ws/", "root_path": "/app"}) == "/ws/"
        assert path_info({"path": "/app/ws/", "root_path": "/app"}) == "/app/ws/"


@pytest.mark.parametrize("forced", ["", None])
def test_an_empty_force_script_name_forces_nothing(forced: str | None) -> None:
    with override_settings(FORCE_SCRIPT_NAME=forced):
        assert script_prefix({"root_path": "/app"}) == "/app"


@pytest.mark.parametrize(
    ("path", "root_path", "info"),
    [
        ("/ws/", None, "/ws/"),
        ("/ws/", "", "/ws/"),
        ("/ws/", "/", "/ws/"),
        ("/app/ws/", "/app", "/ws/"),
        ("/app/ws/", "/app/", "/ws/"),
        ("/a/b/ws/", "/a/b", "/ws/"),
        ("/app/app/ws/", "/app", "/app/ws/"),
        ("/app", "/app", "/"),
        ("/app/", "/app", "/"),
        ("/apple/ws/", "/app", "/apple/ws/"),
        ("/apple", "/app", "/apple"),
        ("/ws/", "/app", "/ws/"),
        ("/App/ws/", "/app", "/App/ws/"),
        ("", "", "/"),
        ("", "/app", "/"),
        ("ws/", "", "/ws/"),
        ("/app//ws/", "/app", "//ws/"),
        ("/é/ws/", "/é", "/ws/"),
    ],
)
def test_the_path_to_resolve_is_the_path_less_the_prefix(path: str, root_path: str | None, info: str) -> None:
    assert path_info({"path": path, "root_path": root_path}) == info


@given(st.text(), st.text())
def test_the_path_to_resolve_begins_with_a_slash_and_ends_as_the_path_does(path: str, root_path: str) -> None:
    info = path_info({"path": path, "root_path": root_path})
    assert info.startswith("/")
    assert path.endswith(info) or info == f"/{path}" or info == "/"

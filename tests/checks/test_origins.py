"""checks/origins.py: an entry that lets in nobody, or everybody, is told."""

import pytest

from checks.support import told
from django_ws.checks import check_origins, check_settings


def test_each_origin_is_told_by_what_is_wrong_with_it() -> None:
    origins = ["https://right.example", "no-scheme.example", "https://slash.example/", "https://*.right.example"]
    assert told(check_origins, WS_ALLOWED_ORIGINS=origins) == [
        ("E007", "WS_ALLOWED_ORIGINS holds 'no-scheme.example', which matches no site: it has no scheme"),
        (
            "W002",
            "WS_ALLOWED_ORIGINS holds 'https://slash.example/', which has more than an origin's scheme, host and port",
        ),
    ]


@pytest.mark.parametrize("setting", ["WS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"])
def test_every_site_is_a_warning(setting: str) -> None:
    assert told(check_origins, **{setting: ["*"]}) == [
        ("W003", f"{setting} holds '*', which lets in every site with your users' cookies")
    ]


def test_djangos_setting_counts_where_ours_is_not_set() -> None:
    trusted = ["https://*.a.example/", "https://b.example/", "no-scheme.example"]
    # Django's own check tells the last.
    assert [number for number, _ in told(check_origins, CSRF_TRUSTED_ORIGINS=trusted)] == ["E007", "W002"]
    assert told(check_origins, CSRF_TRUSTED_ORIGINS=trusted, WS_ALLOWED_ORIGINS=[]) == []


@pytest.mark.parametrize("value", ["https://example.com/", [3], 3])
def test_what_is_no_list_of_strings_is_left_to_the_check_of_settings(value: object) -> None:
    assert told(check_origins, WS_ALLOWED_ORIGINS=value) == []
    assert [number for number, _ in told(check_settings, WS_ALLOWED_ORIGINS=value)] == ["E001"]

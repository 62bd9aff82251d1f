"""What docs/security.md claims to be tested is: every file and test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_is_named_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert any(name.startswith("test_") for name in functions)
    assert not test or test in functions


def test_every_defence_names_its_test() -> None:
    table = PAGE[PAGE.index("## What is defended") : PAGE.index("## What is left to the server")]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 15
    for row in rows:
        assert "`tests/" in row.split(" | ")[3], row


def test_each_requirement_of_asvs_has_an_answer() -> None:
    answers = PAGE[PAGE.index("## OWASP ASVS") :]
    assert re.findall(r"^\| \*\*(4\.4\.\d)\*\*", answers, re.MULTILINE) == ["4.4.1", "4.4.2", "4.4.3", "4.4.4"]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(WS_[A-Z_]+)", PAGE))))
def test_a_setting_that_is_named_exists(name: str) -> None:
    from django_ws import conf

    assert name in conf.NAMES

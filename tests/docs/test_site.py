"""The site builds without a warning, its links lead somewhere, and machines can read it."""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

import django_ws
from docs.site import DOCS, ROOT, Site

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("site")]


def test_it_builds_without_a_warning(site: Site) -> None:
    assert (site.status, [line for line in site.output.splitlines() if "WARNING" in line or "ERROR" in line]) == (0, [])


def test_every_link_inside_the_site_leads_somewhere(site: Site) -> None:
    broken = []
    for page, links in site.pages.items():
        for link in links.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link in {"#", ""}:
                continue
            target = (Path(page).parent / unquote(parts.path)).as_posix() if parts.path else page
            file = (site.folder / target).resolve()
            name = file.relative_to(site.folder.resolve()).as_posix()
            if not file.exists() or (parts.fragment and name in site.pages and not _has(site, name, parts.fragment)):
                broken.append(f"{page}: {link}")
    assert broken == []


def _has(site: Site, page: str, fragment: str) -> bool:
    return unquote(fragment) in site.pages[page].ids


def test_every_page_is_reached_from_the_front(site: Site) -> None:
    front = site.pages["index.html"].links
    listed = {unquote(urlsplit(link).path) for link in front}
    assert [page for page in site.prose if page != "index.html" and page not in listed] == []


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_what_the_repository_says_at_its_top_is_in_the_site(site: Site, name: str) -> None:
    page = (site.folder / f"{Path(name).stem.lower()}.html").read_text("utf-8")
    [*titles] = re.findall(r"^## (\w+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    assert titles
    assert all(f"<h2>{title}" in page for title in titles)


def test_the_front_page_is_the_readme_and_not_a_copy_of_it() -> None:
    front = (DOCS / "index.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    includes = re.findall(r'^:(?:start-after|end-before): "(.*)"$', front, re.MULTILINE)
    assert includes
    assert all(mark in readme for mark in includes)


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    """A reader's address is nobody else's business, and the pages work without a network."""
    for page in site.pages:
        text = (site.folder / page).read_text("utf-8")
        assert re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="(?:https?:)?//[^"]*"', text) == []
        styles = re.findall(r'<link[^>]*rel="(?:stylesheet|preload|icon|preconnect)"[^>]*>', text)
        assert [style for style in styles if re.search(r'href="(?:https?:)?//', style)] == []


# --- for machines -------------------------------------------------------------------------------


def test_the_sitemap_has_every_page(site: Site) -> None:
    tree = ET.parse(site.folder / "sitemap.xml")
    found = {(node.text or "").removeprefix("https://django-ws.readthedocs.io/en/latest/") for node in tree.iter()}
    assert set(site.prose) <= found


def test_llms_txt_has_every_page_once(site: Site) -> None:
    text = (site.folder / "llms.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("- [")]
    found = [line.partition("](https://django-ws.readthedocs.io/en/latest/")[2].partition(")")[0] for line in lines]
    assert sorted(found) == sorted(page for page in site.prose if page != "index.html")
    assert text.startswith("# django-ws\n\n> WebSockets")


def test_the_markdown_of_the_reference_has_every_entry(site: Site) -> None:
    text = (site.folder / "reference.md").read_text("utf-8")
    headings = "\n".join(re.findall(r"^#{3,6} `.*$", text, re.MULTILINE))
    entries = [entry for entry in site.entries if entry.role.startswith("py:") and entry.role != "py:module"]
    lost = [e.name for e in entries if not re.search(rf"\b{re.escape(e.name.rpartition('.')[2])}\b", headings)]
    assert lost == []
    assert "TypeAliasForwardRef" not in text
    assert "<" not in headings.replace("->", "")


def test_each_page_has_what_a_shared_link_shows(site: Site) -> None:
    for page in site.prose:
        text = (site.folder / page).read_text("utf-8")
        for name in ("og:title", "og:description", "og:url", "og:site_name"):
            assert f'<meta property="{name}" content="' in text, (page, name)


# --- code in docstrings -------------------------------------------------------------------------

MODULES = [module.name for module in pkgutil.walk_packages(django_ws.__path__, "django_ws.")]
BLOCK = re.compile(r"::\n\n((?:[ ]{4,}.*\n|\n)+)", re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    """Give each block of Python in a docstring: where it is, and the code."""
    found = []
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = f"{ast.get_docstring(node) or ''}\n"
                name = getattr(node, "name", "")
                for block in BLOCK.findall(text):
                    code = textwrap.dedent(block)
                    if not re.search(r"[├└│]|^\$ |^<|^\{", code, re.MULTILINE):
                        found.append((f"{file.relative_to(ROOT / 'src').as_posix()}:{name}", code))
    return found


@pytest.mark.parametrize(("where", "code"), examples(), ids=[where for where, _ in examples()])
def test_the_code_in_a_docstring_is_code(where: str, code: str) -> None:
    compile(code, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_examples_are_found() -> None:
    assert len(examples()) > 10
    assert inspect.getdoc(importlib.import_module("django_ws"))

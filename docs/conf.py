"""How the site is built: ``make docs``, without a network."""

import os
import sys
from contextlib import redirect_stdout
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

import django
from annotations import import_all
from django.conf import settings
from inventories import compile_all
from sphinx.ext.napoleon import GoogleDocstring

with redirect_stdout(None):
    import sphinxext.opengraph  # says that matplotlib is not there for pictures that nobody asked for

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

# What the package needs to be imported as a whole.
if not settings.configured:
    settings.configure(
        SECRET_KEY="documentation",
        ROOT_URLCONF="docs",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django_ws.topics.engines.postgres",
            "django_ws",
        ],
    )
ALIASES = {
    **{
        f"django_ws.aliases.{name}": f"django_ws.interfaces.{name}"
        for name in ("ASGIReceive", "ASGISend", "ChannelMessage", "Data", "Headers", "Scope")
    },
    "django_ws.codecs.json.JSON": "django_ws.JSON",
    "django_ws.codecs.json.JSONEncodable": "django_ws.JSONEncodable",
    "django_ws.handler.function_sockets.SocketFunction": "django_ws.handler.SocketFunction",
    "django_ws.handler.function_sockets.SocketGenerator": "django_ws.handler.SocketGenerator",
    "django_ws.protocol.events.ApplicationEvent": "django_ws.protocol.ApplicationEvent",
    "django_ws.protocol.events.PeerEvent": "django_ws.protocol.PeerEvent",
    "django_ws.protocol.events.RawHeaders": "django_ws.protocol.events.RawHeaders",
    "django_ws.protocol.states.ApplicationRow": "django_ws.protocol.states.ApplicationRow",
    "django_ws.protocol.states.PeerRow": "django_ws.protocol.states.PeerRow",
}
import_all(frozenset({"django_ws.__main__", "django_ws.topics.engines.postgres.migrations"}), ALIASES, django.setup)

# Napoleon takes «Bytes: at most» at the beginning of an attribute's docstring for its type; ours are prose.
_parse = GoogleDocstring._parse


def _parse_prose(self: GoogleDocstring) -> None:
    if self._what in {"attribute", "data", "property"}:
        self._what = "object"
    _parse(self)


GoogleDocstring._parse = _parse_prose

project = "django-ws"
author = "The django-ws maintainers"
project_copyright = author
release = version_of("django-ws")
version = ".".join(release.split(".")[:2])

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_sitemap",
    sphinxext.opengraph.__name__,
    "accessible",
    "public_names",
    "tables",
    "machines",
    "source_links",
    "steady",
    "since",
    "drawing",
    "layers",
    "lifelines",
    "measured",
    "states",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_ext", "_inventories", "_static"]
templates_path = ["_templates"]
nitpicky = True

# --- what is said of Python -----------------------------------------------------------------------

default_role = "py:obj"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Guarantees"]
viewcode_line_numbers = True

# Type variables have no entry of their own: a signature says what they are.
nitpick_ignore = [
    ("py:class", "django.utils.datastructures.CaseInsensitiveMapping"),  # Django documents it nowhere
]
nitpick_ignore_regex = [
    (
        "py:(class|obj)",
        r"(?:[\w.]*\.)?_?(?:T|P|InT|OutT|EventT|SocketT|ViewT|SendT|ReceiveT)(?:_co|_contra)?(?:\.args|\.kwargs)?",
    ),
]


# --- other sites ----------------------------------------------------------------------------------

intersphinx_timeout = 5


def read_inventories(app: "Sphinx", config: "Config") -> None:
    """Set ``intersphinx_mapping`` by the lists in ``_inventories``."""
    config.intersphinx_mapping = compile_all(HERE / "_inventories", Path(app.doctreedir) / "inventories")


# --- Markdown -------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "attrs_inline", "attrs_block", "substitution"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

# --- the look -------------------------------------------------------------------------------------

html_theme = "furo"
html_title = "django-ws"
html_static_path = ["_static"]
html_css_files = ["django-ws.css"]
html_js_files = ["keyboard.js"]
html_favicon = "_static/favicon.svg"
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "https://django-ws.readthedocs.io/en/latest/")
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_logo": "wordmark-light.svg",
    "dark_logo": "wordmark-dark.svg",
    "sidebar_hide_name": True,
    "light_css_variables": {
        "color-brand-primary": "#0b6341",
        "color-brand-content": "#0b6341",
        "color-api-name": "#0b6341",
        "color-code-background": "#f8f9fb",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5fd39c",
        "color-brand-content": "#5fd39c",
        "color-api-name": "#5fd39c",
    },
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
sitemap_url_scheme = "{link}"
sitemap_show_lastmod = False
ogp_site_url = html_baseurl
ogp_social_cards = {"enable": False}
ogp_enable_meta_description = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def find_sections(_app: "Sphinx", docname: str, source: list[str]) -> None:
    """Let the front page's ``tutorial/*`` mean the section's index if it has one, and nothing while it is empty."""
    if docname != "index":
        return
    lines: list[str] = []
    for line in source[0].splitlines():
        folder = HERE / line.removesuffix("/*")
        if line.endswith("/*") and ((folder / "index.md").exists() or not any(folder.glob("*.md"))):
            lines += [f"{folder.name}/index"] if folder.exists() and any(folder.glob("*.md")) else []
        else:
            lines.append(line)
    source[0] = "\n".join(lines)


def setup(app: "Sphinx") -> None:
    """Register what the pages refer to by name besides Python's things."""
    app.connect("config-inited", read_inventories, priority=100)
    app.connect("source-read", find_sections)
    app.add_object_type("setting", "setting", objname="setting", indextemplate="pair: %s; setting")
    app.add_object_type("djangosignal", "djangosignal", objname="signal", indextemplate="pair: %s; signal")

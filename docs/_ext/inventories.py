"""The inventories of other projects, kept as lists that a person can read and a diff can show.

A list names only what these pages refer to, so that the site builds without a network. A name that it lacks is a
warning, and so an error of ``make docs``; ``python -m sphinx.ext.intersphinx URL/objects.inv`` shows what there is.
"""

import zlib
from pathlib import Path


def parse(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """Read a list: the address of the site, and (name, role, page) of each entry."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    site, *entries = lines
    return site, [(name, role, page) for name, role, page in (entry.split() for entry in entries)]


def compile_all(folder: Path, into: Path) -> dict[str, tuple[str, str]]:
    """Write each list of ``folder`` as a Sphinx inventory; give what ``intersphinx_mapping`` takes."""
    into.mkdir(parents=True, exist_ok=True)
    mapping: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.glob("*.txt")):
        site, entries = parse(path)
        head = f"# Sphinx inventory version 2\n# Project: {path.stem}\n# Version: \n"
        head += "# The remainder of this file is compressed using zlib.\n"
        body = "".join(f"{name} {role} 1 {page} -\n" for name, role, page in entries)
        target = into / f"{path.stem}.inv"
        target.write_bytes(head.encode() + zlib.compress(body.encode()))
        mapping[path.stem] = (site, str(target))
    return mapping

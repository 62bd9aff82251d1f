"""The results of a run, as a JSON file: every sample of every round, so that any report can be made again."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.implementations import IMPLEMENTATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.plan import Plan

__all__ = ["FOLDER", "REFERENCE", "Results", "about", "load", "save"]

FOLDER: Final = Path(__file__).parent / "results"
"""Where results are written."""

REFERENCE: Final = FOLDER / "reference.json"
"""The one that is committed, and that the documentation shows."""

_RENEWED: Final = "renewed "
"""Before the name of a stage, in what is told about a run."""

_ALSO: Final = ("Django", "uvicorn", "uvloop", "websockets", "msgspec", "picows")


@dataclass(slots=True)
class Results:
    """What a run has found."""

    about: dict[str, str] = field(default_factory=dict)
    """When, where, with which versions."""
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Measure, implementation, one sample for each round."""
    growth: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    """Picture, implementation, point, one sample for each round."""

    def add(self, measure: str, implementation: str, sample: float) -> None:
        """Note a sample."""
        self.samples.setdefault(measure, {}).setdefault(implementation, []).append(sample)

    def add_point(self, picture: str, implementation: str, point: int, sample: float) -> None:
        """Note a sample of a point of a picture."""
        of_picture = self.growth.setdefault(picture, {})
        of_picture.setdefault(implementation, {}).setdefault(str(point), []).append(sample)

    def onto(self, earlier: "Results", stages: "Sequence[str]") -> "Results":
        """Give an earlier run with those measures renewed that this one has.

        Args:
            earlier: The run that has the others.
            stages: What this run has measured; it is told beside the date.

        Raises:
            ValueError: The two differ in more than their date, so their figures do not go into one table.
        """
        kept = {name: told for name, told in earlier.about.items() if not name.startswith(_RENEWED)}
        differ = [name for name in {*kept, *self.about} if name != "date" and kept.get(name) != self.about.get(name)]
        if differ:
            raise ValueError(f"the earlier run differs in {', '.join(sorted(differ))}: measure all of it again")
        return Results(
            {**earlier.about, **{f"{_RENEWED}{stage}": self.about["date"] for stage in stages}},
            {**earlier.samples, **self.samples},
            {**earlier.growth, **self.growth},
        )


def about(plan: "Plan") -> dict[str, str]:
    """Tell when, where and with which versions a run is made."""
    told = {
        "date": datetime.now(UTC).date().isoformat(),
        "plan": plan.name,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count() or "?"),
    }
    if any(one.folder is not None and one.is_installed for one in IMPLEMENTATIONS):
        told["django-ws (original)"] = "1.0.2"
    for name in [*(one.distribution for one in IMPLEMENTATIONS if one.distribution), *_ALSO]:
        try:
            told[name] = version(name)
        except PackageNotFoundError:
            told[name] = "not installed"
    return told


def save(results: Results, path: Path | None = None) -> Path:
    """Write a file, by default one that is named after the time."""
    FOLDER.mkdir(exist_ok=True)
    if path is None:
        path = FOLDER / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{results.about.get('plan', 'run')}.json"
    rounded = json.loads(json.dumps(asdict(results)), parse_float=_round)
    path.write_text(json.dumps(rounded, indent=1) + "\n")
    return path


def _round(text: str) -> float:
    return float(f"{float(text):.5g}")


def load(path: Path) -> Results:
    """Read a file."""
    read = json.loads(path.read_text())
    return Results(about=read["about"], samples=read["samples"], growth=read["growth"])

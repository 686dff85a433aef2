"""The formats of health results by name: each renderer takes a `HealthReport` and returns the whole text.

A renderer is imported when its format is asked for, so that a table costs nothing of an HTML page.
"""

from __future__ import annotations

import dataclasses
import importlib
import time
from collections.abc import Callable
from typing import cast

from rocmox.health.context import Context
from rocmox.health.result import Result

# Format → module of this package and its function `(HealthReport) -> str`.
FORMATS = {
    "table": ("health", "render_text"),
    "json": ("health", "render_json"),
    "junit": ("junit", "render_junit"),
    "prometheus": ("prometheus", "render_prometheus"),
    "html": ("page.document", "render_html"),
    "journal": ("health", "render_journal"),
}
Renderer = Callable[["HealthReport"], str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class HealthReport:
    """What a renderer may show: the results, the machine they are about, and when it was looked at (seconds, Unix).

    `symbols` and `colour` say what the terminal can show; files and pipes get neither.
    """

    context: Context
    results: tuple[Result, ...]
    at_seconds: float = dataclasses.field(default_factory=time.time)
    symbols: bool = False
    colour: bool = False

    @property
    def machine(self) -> str:
        """The machine's name."""
        return self.context.machine.name


def render(name: str, report: HealthReport) -> str:
    """The report in a format of `FORMATS`, without a last newline."""
    module, function = FORMATS[name]
    renderer = cast("Renderer", getattr(importlib.import_module(f"rocmox.report.{module}"), function))
    return renderer(report)

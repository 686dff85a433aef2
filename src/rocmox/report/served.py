"""What `rocmox served` prints."""

from __future__ import annotations

from typing import Any

from rocmox.report.table import render_table


def to_text(document: dict[str, Any], idle: dict[str, str]) -> str:
    """One line for each served unit, one for each without a descriptor, and how each engine (by name) goes idle."""
    rows = [
        [one["name"], one["engine"], one["base_url"], "runs" if one["running"] else "stopped", one["model_file"]]
        for one in document["served"]
    ]
    lines = [render_table(["name", "engine", "address", "state", "model"], rows)] if rows else []
    engines = dict.fromkeys(one["engine"] for one in document["served"])
    lines += [f"When nobody asks {name}: {idle[name]}." for name in engines if name in idle]
    lines += [f"{unit['summary']}. {unit['remedy']}" for unit in document["undescribed"]]
    return "\n".join(lines) or "nothing is served here"

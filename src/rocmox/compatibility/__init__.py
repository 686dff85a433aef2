"""Which driver works with which kernel: a table as data, every row with its source."""

from rocmox.compatibility.table import (
    Row,
    Verdict,
    driver_range,
    kernel_matches,
    load_rows,
    look_up,
    to_json,
    to_markdown,
)

__all__ = ["Row", "Verdict", "driver_range", "kernel_matches", "load_rows", "look_up", "to_json", "to_markdown"]

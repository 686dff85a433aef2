"""`make hip-matrix`: what the mmvq patch does to every listed version of llama.cpp, shown without a card."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hip_matrix.matrix import Row, examine
from tests.hip_matrix.sources import Version, load_versions

_HEAD = ("llama.cpp", "kernels", "scratch stock", "patched", "occupancy stock", "patched", "executed", "verdict")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 when every promise of the patch holds for every version, else 2."""
    parser = argparse.ArgumentParser(prog="make hip-matrix", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="RELEASE", help="releases of llama-cpp-python")
    parser.add_argument("--quick", action="store_true", help="the three versions of `make test`")
    parser.add_argument("--no-execute", action="store_true", help="compile, and run nothing on the CPU")
    arguments = parser.parse_args(argv)
    versions = [
        version
        for version in load_versions()
        if (not arguments.only or version.release in arguments.only) and (version.quick or not arguments.quick)
    ]
    rows = run(versions, execute=not arguments.no_execute)
    print("\n" + table(rows))
    return 0 if rows and not any(row.problems for row in rows) else 2


def run(versions: Sequence[Version], *, execute: bool) -> list[Row]:
    """All versions, two at a time; progress on standard error."""
    started = time.monotonic()

    def one(version: Version) -> Row:
        with tempfile.TemporaryDirectory(prefix="rocmox-hip-") as work:
            row = examine(version, Path(work), execute=execute)
        seconds = time.monotonic() - started
        print(f"{seconds:6.0f} s  {version.name}: {len(row.problems)} problems", file=sys.stderr, flush=True)
        return row

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(one, versions))


def table(rows: Sequence[Row]) -> str:
    """The rows in aligned columns, problems below."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join([*lines, *(f"  {row.version}: {problem}" for row in rows for problem in row.problems)])


def _cells(row: Row) -> tuple[str, ...]:
    stock, patched = row.lowest_occupancy
    verdict = f"{len(row.problems)} problems" if row.problems else "holds"
    figures = (row.kernels, row.stock_scratch, row.patched_scratch, stock, patched, row.executed)
    return (row.version, *map(str, figures), verdict)


if __name__ == "__main__":
    sys.exit(main())

"""Geometries that `rocmox bench run --search` may try, mixed so that few runs execute each of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rocmox.engines.llamacpp.source.geometry import COLUMNS, Geometry

NWARPS, ROWS = (1, 2, 4, 8), (1, 2, 4)
_ALL = tuple(itertools.product(NWARPS, ROWS))


def mixed(count: int = len(_ALL)) -> Iterator[Geometry]:
    """Each column count has another of the twelve pairs in each geometry; after twelve it has had them all."""
    for turn in range(count):
        pairs = [_ALL[(turn * 5 + column * 7) % len(_ALL)] for column in range(COLUMNS)]
        yield Geometry(nwarps=tuple(nwarps for nwarps, _ in pairs), rows=tuple(rows for _, rows in pairs))

"""Patching `ggml/src/ggml-cuda/mmvq.cu` for gfx906 and gfx900: pure text in, pure text out.

A patched file carries a stamp: the settings, and the SHA-256 of the file as it came. By it the patch is idempotent,
can be changed and taken back, and recognises a file that somebody edited afterwards.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re

from rocmox.engines.llamacpp.source import mmvq_inline, mmvq_table
from rocmox.engines.llamacpp.source.edits import BEGIN, apply_edits, remove_regions
from rocmox.engines.llamacpp.source.geometry import Geometry, check, parse_columns
from rocmox.engines.llamacpp.source.mmvq_code import PICK, remove_picks
from rocmox.errors import RefusedError, UsageError

ARCHITECTURES = ("gfx906", "gfx900")
"""GPUs that the patch is for. RDNA keeps its code byte for byte; CDNA follows where it shares GCN's geometry: before
b4567, where the host cannot tell one gfx9 from another, and in the table from b4873 on."""

STAMP_VERSION = 2
"""Rises with every change of the text that the patch inserts: a build of a file with another number is another one."""

_STAMP = re.compile(
    rf"^// rocmox mmvq {STAMP_VERSION} arch=(\w+) nwarps=([\d,]+) rows=([\d,]+) stock-sha256=([0-9a-f]{{64}})$",
    re.MULTILINE,
)
_OTHER_STAMP = re.compile(r"^// rocmox mmvq (\d+) arch=", re.MULTILINE)
_OFFSET = re.compile(r"^#define ((?:GGML_CUDA_)?CC_OFFSET_AMD)\s+(1000000|0x1000000)\b", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The two files that decide: `mmvq.cu`, and `common.cuh` with the numbers of GPUs. `path` is for messages."""

    path: str
    mmvq: str
    common: str

    @property
    def has_table(self) -> bool:
        """Whether geometry comes from a table (b4873 on) and not from constants written twice."""
        return "mmvq_parameter_table_id" in self.mmvq

    @property
    def warp_size(self) -> int:
        """How many threads this source counts to a warp on GCN."""
        return mmvq_table.WARP_SIZE if self.has_table else mmvq_inline.WARP_SIZE

    @property
    def stock(self) -> Geometry:
        """What upstream chose for GCN."""
        return mmvq_table.STOCK if self.has_table else mmvq_inline.STOCK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a patched file says of itself."""

    architecture: str
    geometry: Geometry
    stock_sha256: str


def desired_geometry(source: Source, *, nwarps: str | None, rows: str | None) -> Geometry:
    """The settings: upstream's warps and one row per block unless told otherwise.

    One row is the default because that is what keeps `tmp` out of scratch and registers free for occupancy; the best
    number of warps is for the owner's card to say (`rocmox bench run --search`).
    """
    geometry = Geometry(
        nwarps=parse_columns(nwarps, option="--nwarps") if nwarps else source.stock.nwarps,
        rows=parse_columns(rows, option="--rows") if rows else (1,) * len(source.stock.rows),
    )
    check(geometry, warp_size=source.warp_size, buffers=2 if mmvq_table.has_gate(source.mmvq) else 1)
    return geometry


def read_stamp(text: str) -> Stamp | None:
    """The stamp of a patched file; None for one that was never patched."""
    found = _STAMP.search(text)
    if not found:
        return None
    geometry = Geometry(
        nwarps=parse_columns(found[2], option="nwarps"),
        rows=parse_columns(found[3], option="rows"),
    )
    return Stamp(architecture=found[1], geometry=geometry, stock_sha256=found[4])


def patch(source: Source, geometry: Geometry, *, architecture: str) -> str:
    """The patched text; the same text again when these settings are there already.

    UsageError for an architecture without a patch, RefusedError for a file that is foreign or was edited.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(
            f"there is no mmvq patch for {architecture}; it changes {' and '.join(ARCHITECTURES)}",
            remedy="Newer GPUs are tuned upstream: build without the patch.",
        )
    stock = dataclasses.replace(source, mmvq=revert(source))
    return _patched(stock, geometry, architecture)


def revert(source: Source) -> str:
    """The file as it came; RefusedError when it was edited after the patch."""
    stamp = read_stamp(source.mmvq)
    if stamp is None:
        other = _OTHER_STAMP.search(source.mmvq)
        if other and int(other[1]) != STAMP_VERSION:
            raise RefusedError(
                f"{source.path} was patched by another rocmox (patch {other[1]}; this one is {STAMP_VERSION})",
                remedy="Take the file as it came from llama.cpp (`git checkout` it), then patch again.",
            )
        if BEGIN in source.mmvq or PICK in source.mmvq:
            raise _edited(source.path)
        return source.mmvq
    text = remove_picks(remove_regions(source.mmvq))
    stock = dataclasses.replace(source, mmvq=text)
    if _sha256(text) != stamp.stock_sha256 or _patched(stock, stamp.geometry, stamp.architecture) != source.mmvq:
        raise _edited(source.path)
    return text


def _patched(stock: Source, geometry: Geometry, architecture: str) -> str:
    stamp = f"// rocmox mmvq {STAMP_VERSION} arch={architecture} {geometry.text()} stock-sha256={_sha256(stock.mmvq)}"
    if stock.has_table:
        edits = mmvq_table.edits(stock.mmvq, geometry, stamp)
    else:
        offsets = _OFFSET.findall(stock.common)
        if len(offsets) != 1:
            raise RefusedError(
                f"common.cuh beside {stock.path} says {len(offsets)} times how AMD GPUs are numbered, not once",
                remedy="Take the whole source tree as it came from llama.cpp.",
            )
        name, value = offsets[0]
        edits = mmvq_inline.edits(geometry, stamp, hexadecimal=value.startswith("0x"), offset=name)
    return apply_edits(stock.mmvq, edits, path=stock.path)


def _edited(path: str) -> RefusedError:
    return RefusedError(
        f"{path} was edited after rocmox patched it: the patch can be neither changed nor taken back safely",
        remedy="Take the file as it came from llama.cpp (`git checkout` it), then patch again.",
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

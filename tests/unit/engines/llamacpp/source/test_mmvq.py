"""The mmvq patch: applies, changes, takes itself back, and refuses what it does not know."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.source.mmvq import STAMP_VERSION, Source, desired_geometry, patch, read_stamp, revert
from rocmox.errors import RefusedError, UsageError
from tests.unit.engines.llamacpp.source.sources import NAMES, source

GEOMETRIES = st.builds(
    Geometry,
    nwarps=st.tuples(*[st.integers(1, 8)] * 8),
    rows=st.tuples(*[st.integers(1, 4)] * 8),
)


def patched(stock: Source, geometry: Geometry | None = None) -> Source:
    settings = geometry or desired_geometry(stock, nwarps=None, rows=None)
    return dataclasses.replace(stock, mmvq=patch(stock, settings, architecture="gfx906"))


@pytest.mark.parametrize("name", NAMES)
@given(first=GEOMETRIES, second=GEOMETRIES)
def test_a_patch_can_be_repeated_changed_and_taken_back(name: str, first: Geometry, second: Geometry) -> None:
    stock = source(name)
    once = patched(stock, first)
    assert once.mmvq != stock.mmvq
    assert patched(once, first) == once
    assert patched(once, second) == patched(stock, second)
    assert revert(once) == stock.mmvq
    stamp = read_stamp(once.mmvq)
    assert stamp
    assert stamp.geometry == first


@pytest.mark.parametrize("name", NAMES)
def test_host_and_device_ask_the_same_function(name: str) -> None:
    text = patched(source(name)).mmvq
    host_and_device = re.findall(r"^static constexpr __host__ __device__ int rocmox_mmvq_(\w+)", text, re.MULTILINE)
    assert sorted(host_and_device) == ["nwarps", "rows"]
    assert text.count("rocmox_mmvq_rows(ncols") >= (2 if name == "constants" else 1)


@pytest.mark.parametrize(
    ("offset", "host", "device"),
    [
        (
            "#define CC_OFFSET_AMD 1000000",
            "cc >= CC_OFFSET_AMD + 900 && cc < CC_OFFSET_AMD + 1000",
            "defined(__GFX9__)",
        ),
        (
            "#define GGML_CUDA_CC_OFFSET_AMD      0x1000000",
            "cc == GGML_CUDA_CC_OFFSET_AMD + 0x906 ||",
            "defined(__gfx906__)",
        ),
    ],
)
def test_the_host_condition_follows_how_the_version_numbers_gpus(offset: str, host: str, device: str) -> None:
    text = patched(dataclasses.replace(source("constants"), common=offset + "\n")).mmvq
    assert host in text
    assert f"#if {device}" in text


def test_the_oldest_way_to_abort_is_known() -> None:
    stock = source("constants")
    older = dataclasses.replace(stock, mmvq=stock.mmvq.replace('GGML_ABORT("fatal error")', "GGML_ASSERT(false)"))
    assert older != stock
    assert "rocmox_mmvq_nwarps(ncols_y)" in patched(older).mmvq


def test_a_file_patched_by_another_release_is_named_as_such() -> None:
    once = patched(source("table"))
    other = once.mmvq.replace(f"rocmox mmvq {STAMP_VERSION} arch", f"rocmox mmvq {STAMP_VERSION + 1} arch")
    with pytest.raises(RefusedError, match="another rocmox"):
        patched(dataclasses.replace(once, mmvq=other))


def test_no_index_by_the_thread_is_left_in_a_store() -> None:
    for name in NAMES:
        assert not re.search(r"= tmp\w*(\[j\])?\[threadIdx\.x\];", patched(source(name)).mmvq)


@pytest.mark.parametrize("name", NAMES)
def test_small_k_keeps_its_rows(name: str) -> None:
    assert ("!(ncols_dst == 1 && small_k)" in patched(source(name)).mmvq) == (name == "gated")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("constants", "nwarps = 2;", "nwarps = 1;"),
        ("constants", "ncols_y == 1 ? 1 : 2", "1"),
        ("constants", "= tmp[j][threadIdx.x];", "= tmp[j][0];"),
        ("table", "return 2;", "return 1;"),
        ("table", "= tmp[j][threadIdx.x];", "= tmp[j][0];"),
        ("constants", "block_dims(WARP_SIZE, nwarps, 1)", "block_dims(WARP_SIZE, 2, 1)"),
        ("table", "defined(GCN) || defined(CDNA)", "defined(CDNA)"),
        ("table", "GGML_CUDA_CC_IS_GCN(cc) || ", ""),
        ("table", "int nwarps = calc_nwarps(ncols_dst, table_id)", "int nwarps = 1"),
        ("table", "rows_per_cuda_block = calc_rows_per_block(ncols_dst, table_id)", "rows_per_cuda_block = 1"),
        ("table", "block_dims(warp_size, calc_nwarps(ncols_dst, table_id), 1)", "block_dims(warp_size, 1, 1)"),
        ("table", "(nrows_x + calc_rows_per_block(ncols_dst, table_id) - 1)", "(nrows_x + 1)"),
        ("gated", "__launch_bounds__(calc_nwarps(type, ncols_dst", "__launch_bounds__(calc_nwarps(type, 1"),
        ("gated", "    const int nwarps = calc_nwarps(type, ncols_dst,", "    const int nwarps = calc_nwarps(type, 1,"),
        ("gated", "rpb = calc_rows_per_block(ncols_dst, table_id, small_k, nwarps)", "rpb = 1"),
        ("gated", "block_dims(warp_size, nwarps, 1)", "block_dims(warp_size, 1, 1)"),
        ("gated", "return 2;", "return 1;"),
        ("gated", "threadIdx.x == i &&", "threadIdx.y == i &&"),
    ],
)
def test_a_file_with_numbers_of_its_own_is_refused(name: str, old: str, new: str) -> None:
    stock = source(name)
    assert old in stock.mmvq
    with pytest.raises(RefusedError, match=r"each anchor must match once"):
        patched(dataclasses.replace(stock, mmvq=stock.mmvq.replace(old, new)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_patched_file_that_lost_or_gained_a_line_is_refused(name: str, data: st.DataObject) -> None:
    lines = patched(source(name)).mmvq.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = lines[:at] + lines[at + 1 :] if data.draw(st.booleans()) else [*lines[:at], "// mine\n", *lines[at:]]
    if not lines[at].strip() and len(changed) < len(lines):
        changed.append("// mine\n")
    edited = dataclasses.replace(source(name), mmvq="".join(changed))
    with pytest.raises(RefusedError):
        revert(edited)


def test_a_file_twice_is_refused() -> None:
    stock = source("table")
    with pytest.raises(RefusedError, match="calc_nwarps: 2"):
        patched(dataclasses.replace(stock, mmvq=stock.mmvq * 2))


def test_an_unknown_way_to_number_gpus_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"common\.cuh"):
        patched(dataclasses.replace(source("constants"), common=""))


def test_other_architectures_have_no_patch() -> None:
    with pytest.raises(UsageError, match="gfx1100"):
        patch(source("table"), desired_geometry(source("table"), nwarps=None, rows=None), architecture="gfx1100")

"""The mmvq patch on real sources: compiled by clang for gfx906 and gfx1100, and executed on the CPU.

`make hip-matrix` does it for every listed version and prints the table.
"""

import dataclasses
import itertools
import math
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from rocmox.engines.llamacpp.source.geometry import COLUMNS, Geometry
from rocmox.engines.llamacpp.source.mmvq import desired_geometry, patch, revert
from tests.hip_matrix import emulate
from tests.hip_matrix.__main__ import run, table
from tests.hip_matrix.compile import CLANG, Compiled, Kernel, parse_remarks
from tests.hip_matrix.matrix import compare_kernels, compare_results, largest_difference, run_geometry
from tests.hip_matrix.settings import NWARPS, ROWS, mixed
from tests.hip_matrix.sources import Version, load_versions, mmvq_source, tree

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(shutil.which(CLANG) is None, reason=f"{CLANG} is not packaged for this system"),
]
QUICK = [version for version in load_versions() if version.quick]
OTHERS = [version for version in load_versions() if not version.quick]
# Sums in another order differ in the last bits; a block that reads what nobody wrote differs in the first.
ROUNDING = 1e-5


@pytest.fixture(scope="module")
def oldest() -> Version:
    return QUICK[0]


@pytest.fixture(scope="module")
def stock_products(oldest: Version, tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulate.Results]:
    work = tmp_path_factory.mktemp("stock")
    yield emulate.run(mmvq_source(oldest).mmvq, tree=tree(oldest), work=work)
    shutil.rmtree(work)


def test_every_promise_holds_for_three_versions() -> None:
    rows = run(QUICK, execute=True)
    print("\n" + table(rows))
    assert [row.problems for row in rows] == [()] * len(QUICK)
    assert all(row.executed >= 19 * 8 for row in rows)
    assert rows[0].stock_scratch > 100  # what the patch is there for


@pytest.mark.soak
def test_every_promise_holds_for_the_other_versions() -> None:
    rows = run(OTHERS, execute=True)
    print("\n" + table(rows))
    assert [row.problems for row in rows] == [()] * len(OTHERS)


@pytest.mark.parametrize("version", QUICK, ids=lambda version: version.release)
def test_a_real_source_is_patched_and_given_back_byte_by_byte(version: Version) -> None:
    source = mmvq_source(version)
    patched = patch(source, desired_geometry(source, nwarps="1", rows="2"), architecture="gfx906")
    assert patched != source.mmvq
    assert revert(dataclasses.replace(source, mmvq=patched)) == source.mmvq


@pytest.mark.parametrize("version", QUICK, ids=lambda version: version.release)
def test_other_geometries_give_the_same_products(version: Version, tmp_path: Path) -> None:
    compare_geometries(version, mixed(1), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("version", QUICK, ids=lambda version: version.release)
def test_every_geometry_that_a_search_tries_gives_the_same_products(version: Version, tmp_path: Path) -> None:
    geometries = list(mixed())
    for column in range(COLUMNS):
        tried = {(geometry.nwarps[column], geometry.rows[column]) for geometry in geometries}
        assert tried == set(itertools.product(NWARPS, ROWS))
    compare_geometries(version, geometries, tmp_path)


def compare_geometries(version: Version, geometries: Iterable[Geometry], work: Path) -> None:
    stock = emulate.run(mmvq_source(version).mmvq, tree=tree(version), work=work)
    for geometry in geometries:
        products = run_geometry(version, geometry, work)
        assert products.keys() == stock.keys()
        assert largest_difference(stock, products) < ROUNDING, geometry.text()


def test_no_number_is_no_small_difference() -> None:
    key = ("Q4_0", 1)
    assert largest_difference({key: (1.0, 2.0)}, {key: (1.0, 2.0)}) == 0
    assert largest_difference({key: (1.0, 2.0)}, {key: (1.0, 3.0)}) == 0.5
    assert largest_difference({key: (1.0, 2.0)}, {key: (1.0, math.nan)}) == math.inf
    assert largest_difference({key: (1.0, math.inf)}, {key: (1.0, 2.0)}) == math.inf
    assert largest_difference({key: (1.0, math.inf)}, {key: (1.0, math.inf)}) == 0


def test_a_host_that_disagrees_with_the_device_is_found_out(
    oldest: Version, stock_products: emulate.Results, tmp_path: Path
) -> None:
    source = mmvq_source(oldest)
    patched = patch(source, Geometry(nwarps=(4,) * 8, rows=(2,) * 8), architecture="gfx906")
    # the host forgets the patch: it launches upstream's geometry for a kernel that was compiled for another one
    broken = patched.replace("if (cc >= ", "if (false && cc >= ")
    assert broken != patched
    products = emulate.run(broken, tree=tree(oldest), work=tmp_path)
    assert compare_results(stock_products, products)


def test_what_breaks_a_promise_is_named() -> None:
    remarks = """
x.cu:1:1: remark: Function Name: _ZL13mul_mat_vec_qIL9ggml_type12ELi1EEvPKv [-Rpass-analysis=kernel-resource-usage]
x.cu:1:1: remark:     VGPRs: 24 [-Rpass-analysis=kernel-resource-usage]
x.cu:1:1: remark:     ScratchSize [bytes/lane]: 0 [-Rpass-analysis=kernel-resource-usage]
x.cu:1:1: remark:     Occupancy [waves/SIMD]: 10 [-Rpass-analysis=kernel-resource-usage]
"""
    ((name, kernel),) = parse_remarks(remarks).items()
    assert (kernel.vgprs, kernel.scratch_bytes, kernel.occupancy_waves) == (24, 0, 10)
    assert kernel.is_legacy_or_k_quant
    assert kernel.is_single_column
    stock = Compiled(code=b"", kernels={name: kernel})

    def problems(changed: Kernel) -> list[str]:
        return compare_kernels(stock, Compiled(code=b"", kernels={name: changed}))

    assert problems(kernel) == []
    assert "scratch" in problems(dataclasses.replace(kernel, scratch_bytes=4))[0]
    assert "waves" in problems(dataclasses.replace(kernel, occupancy_waves=9))[0]
    assert compare_kernels(stock, Compiled(code=b"", kernels={}))

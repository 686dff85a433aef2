"""What `rocmox llamacpp inspect` says of real sources, against what is known of each version from elsewhere.

Trees that `make hip-matrix` has not fetched yet are skipped, but for the three of `make test`.
"""

import dataclasses

import pytest

from rocmox.engines.llamacpp.source.bounds import build_bounds
from rocmox.engines.llamacpp.source.mmvq import desired_geometry, patch, revert
from rocmox.engines.llamacpp.source.tree import Tree, read_source, read_tree
from tests.hip_matrix.sources import Version, cache, commit, load_versions, tree

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
VERSIONS = {version.release: version for version in load_versions()}

# Upstream's changes in order, by the first listed release that has them: its notes and pull requests are the source.
CHANGES = {
    "0.3.2": {
        "hip_switch": "GGML_HIP",
        "minimum_hip": False,
        "split_row": True,
        "split_tensor": False,
        "flash_attention_value": False,
        "curl": "OFF",
        "hip_uma": True,
        "hexadecimal_cc": False,
        "gcn_mmvq_table": False,
        "gpu_targets": False,
        "unified_kv_option": False,
        "fit_option": False,
        "rocwmma": False,
        "hip_graphs": False,
        "hip_no_vmm": False,
        "hip_metrics": False,
        "openssl": False,
        "prebuilt_ui": False,
        "load_mode_option": False,
        "cublas_compute_type_variable": False,
        "gcn_mmq_tiles": False,
        "force_cublas": True,
        "force_mmq": True,
        "no_peer_copy": True,
        "flash_attention_all_quants": True,
        "rocblas_before_devices": True,
        "quantised_kv_grows": True,
        "fast_math": False,
    },
    "0.3.7": {"hexadecimal_cc": True, "hip_graphs": "OFF", "hip_no_vmm": "ON"},  # #11244, #11362
    "0.3.8": {"minimum_hip": "5.5", "gcn_mmvq_table": True, "rocwmma": "GGML_HIP_ROCWMMA_FATTN"},  # #12177, #12032
    "0.3.9": {"curl": "ON", "hip_uma": False},  # #12761, #12934
    "0.3.16": {  # #15296, #14363
        "minimum_hip": "6.1",
        "unified_kv_option": True,
        "rocblas_before_devices": False,
        "hip_metrics": True,
    },
    "0.3.17": {  # #16642, b6325, #16653
        "gpu_targets": True,
        "flash_attention_value": True,
        "fit_option": True,
        "curl": False,
        "openssl": "ON",
    },
    "0.3.30": {"split_tensor": True, "hip_graphs": "ON", "prebuilt_ui": True, "quantised_kv_grows": False},  # #19378
    "0.3.35": {  # #24216, #26046
        "split_row": False,
        "cublas_compute_type_variable": True,
        "rocwmma": False,
        "load_mode_option": True,
    },
    "0.3.36": {"gcn_mmq_tiles": True},  # #27841
}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    chosen = VERSIONS[request.param]
    if not chosen.quick and not (cache() / "llama.cpp-trees" / chosen.release / ".complete").exists():
        pytest.skip("`make hip-matrix` has not fetched this version yet")
    return chosen


def expected(release: str) -> dict[str, str | bool]:
    known: dict[str, str | bool] = {}
    for name in VERSIONS:
        known |= CHANGES.get(name, {})
        if name == release:
            break
    return known


def test_features_are_those_of_the_version(version: Version) -> None:
    features = read_tree(tree(version)).features
    known = expected(version.release)
    found = {name: features[name].value or features[name].present for name in known}
    assert found == known


def test_commit_and_build_are_those_of_the_archive(version: Version) -> None:
    found = read_tree(tree(version))
    assert found.commit == commit(version)
    assert found.build == (int(version.build.removeprefix("b")) if version.build else None)
    assert found.version == {"0.3.35": "0.1.0", "0.3.36": "0.5.0"}.get(version.release)


def test_features_alone_bound_the_build(version: Version) -> None:
    found: Tree = read_tree(tree(version))
    lower, upper = build_bounds(found.features.values())
    if found.build is not None:
        assert (lower or 0) <= found.build < (upper or found.build + 1)
    # July 2026's #24216 divides the archives of unknown build
    assert (lower or 0) >= (9890 if version.release in {"0.3.35", "0.3.36"} else 0)
    assert lower
    assert lower <= 9890


def test_the_patch_applies_in_the_tree_and_is_taken_back_byte_by_byte(version: Version) -> None:
    source = read_source(tree(version))
    for nwarps, rows in ((None, None), ("1", "2"), ("2,2,2,2,1,1,1,1", "1,2,2,2,4,4,1,1")):
        patched = patch(source, desired_geometry(source, nwarps=nwarps, rows=rows), architecture="gfx900")
        assert patched != source.mmvq
        assert revert(dataclasses.replace(source, mmvq=patched)) == source.mmvq


def test_every_listed_change_names_a_listed_version() -> None:
    assert CHANGES.keys() <= VERSIONS.keys()

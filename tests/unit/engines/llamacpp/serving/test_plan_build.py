"""What a build is made of follows from version, cards and wishes; senseless wishes are named first."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from rocmox.engines.llamacpp.source.mmvq import STAMP_VERSION

WISH: dict[str, Any] = {
    "version": "b6170",
    "build_number": "6170",
    "commit": "4" * 40,
    "source": "git",
    "git_url": "https://git.invalid/llama.cpp",
    "archive_url": "",
    "archive_sha256": "",
    "models": [],
    "backend": "hip",
    "gpu_targets": ["gfx906"],
    "force_cublas": "auto",
    "mmvq_patch": "auto",
    "mmvq_nwarps": "",
    "mmvq_rows": "",
}


@pytest.fixture
def plan(program: Callable[[str], ModuleType]) -> Callable[..., dict[str, Any]]:
    main = program("plan_build").main
    return lambda **changes: main({**WISH, **changes})


def test_mi50_gets_the_patch_and_rocblas(plan: Callable[..., dict[str, Any]]) -> None:
    found = plan()
    assert found["problems"] == []
    assert found["force_cublas"] is True
    assert found["mmvq"]["words"] == ["--arch", "gfx906"]
    assert found["notes"][0].startswith("GGML_CUDA_FORCE_CUBLAS is on: owners of MI50 measured")
    assert found["notes"][1] == "mmvq is patched: the build is for gfx906."


@pytest.mark.parametrize(
    ("changes", "forced", "why"),
    [
        ({"build_number": "11400"}, False, "tuned for GCN"),
        ({"build_number": "4600"}, False, "by itself"),
        ({"build_number": "4447"}, True, "owners of MI50"),
        ({"gpu_targets": ["gfx1100"]}, False, "upstream's own"),
        ({"force_cublas": False}, False, "llama_cpp_force_cublas is False"),
        ({"force_cublas": "on", "gpu_targets": ["gfx1100"]}, True, "llama_cpp_force_cublas is on"),
    ],
)
def test_rocblas_follows_version_and_cards_unless_told(
    plan: Callable[..., dict[str, Any]], changes: dict[str, Any], why: str, *, forced: bool
) -> None:
    found = plan(**changes)
    assert found["force_cublas"] is forced
    assert why in found["notes"][0]


@pytest.mark.parametrize(
    ("changes", "architecture"),
    [
        ({"gpu_targets": ["gfx1100", "gfx900:xnack-"]}, "gfx900"),
        ({"gpu_targets": ["gfx1100"]}, None),
        ({"backend": "cpu"}, None),
        ({"build_number": "3000", "version": "b3000"}, None),
        ({"mmvq_patch": False}, None),
        ({"mmvq_patch": "off"}, None),
        ({"mmvq_patch": True}, "gfx906"),
    ],
)
def test_the_patch_is_for_hip_builds_of_its_architectures(
    plan: Callable[..., dict[str, Any]], changes: dict[str, Any], architecture: str | None
) -> None:
    found = plan(**changes)
    assert found["problems"] == []
    assert (found["mmvq"] or {"architecture": None})["architecture"] == architecture


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"mmvq_patch": "on", "gpu_targets": ["gfx1100"]},
            "changes gfx906 and gfx900, and this is a build for gfx1100",
        ),
        ({"mmvq_patch": "on", "backend": "cpu"}, "this is a build for the backend cpu"),
        ({"mmvq_patch": "on", "build_number": "3000", "version": "b3000"}, "from b3236 on"),
        ({"mmvq_patch": "perhaps"}, "llama_cpp_mmvq_patch is 'perhaps'. Use auto, on or off."),
        ({"force_cublas": "perhaps"}, "llama_cpp_force_cublas is 'perhaps'. Use auto, on or off."),
        ({"mmvq_nwarps": "1,2"}, "llama_cpp_mmvq_nwarps '1,2' is neither one whole number nor eight"),
        ({"mmvq_nwarps": "17"}, "llama_cpp_mmvq_nwarps 17 for 1 column"),
        ({"mmvq_rows": "0"}, "llama_cpp_mmvq_rows 0 for 1 column"),
    ],
)
def test_a_senseless_wish_is_named(plan: Callable[..., dict[str, Any]], changes: dict[str, Any], problem: str) -> None:
    (found,) = plan(**changes)["problems"]
    assert problem in found


def test_settings_go_to_the_patch_and_into_the_name(plan: Callable[..., dict[str, Any]]) -> None:
    names = [plan(mmvq_nwarps=text)["mmvq"]["identity"] for text in ("", "4", "4,4,4,4,4,4,4,4", "2")]
    assert names[1] == names[2]
    assert len({str(name) for name in names}) == 3
    assert names[0] == {"stamp": STAMP_VERSION, "architecture": "gfx906"}
    assert plan(mmvq_rows=[1, 2, 2, 2, 2, 2, 2, 2])["mmvq"]["words"] == [
        "--arch",
        "gfx906",
        "--rows",
        "1,2,2,2,2,2,2,2",
    ]
    assert plan(build_number="4447", mmvq_nwarps="17")["problems"] == []


def test_wishes_are_checked(plan: Callable[..., dict[str, Any]]) -> None:
    (found,) = plan(commit="4227c9be")["problems"]
    assert "not a full commit id" in found

"""The lock keeps what a guest can install and never CUDA."""

import pytest

from rocmox.errors import RefusedError
from rocmox_lab.wheel_lock import parse_pylock


def package(name: str, version: str, *files: tuple[str, str], marker: str = "", sdist: str = "") -> str:
    wheels = ", ".join(
        f'{{ url = "https://files.example/{file}", hashes = {{ sha256 = "{sha}" }} }}' for file, sha in files
    )
    lines = ["[[packages]]", f'name = "{name}"', f'version = "{version}"', f"wheels = [{wheels}]"]
    if marker:
        lines.append(f'marker = "{marker}"')
    if sdist:
        lines.append(f'sdist = {{ url = "https://files.example/{name}.tar.gz", hashes = {{ sha256 = "{sdist}" }} }}')
    return "\n".join(lines) + "\n"


def test_only_wheels_a_guest_can_install_are_kept() -> None:
    pins = parse_pylock(
        package(
            "numpy",
            "2.4.6",
            ("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl", "aa"),
            ("numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.whl", "bb"),
            ("numpy-2.4.6-cp313-cp313-manylinux_2_27_x86_64.whl", "cc"),
            ("numpy-2.4.6-cp311-cp311-win_amd64.whl", "dd"),
            ("numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl", "ee"),
        )
    )
    assert [pin.hashes for pin in pins] == [("aa", "bb")]
    assert pins[0].lines() == "numpy==2.4.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"


def test_abi3_pure_and_local_versions_are_kept() -> None:
    pins = parse_pylock(
        package("av", "18.1.0", ("av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl", "aa"))
        + package("six", "1.0", ("six-1.0-py2.py3-none-any.whl", "bb"))
        + package("odd", "1.0+cpu", ("odd-1.0%2Bcpu-py3-none-any.whl", "cc"))
    )
    assert [pin.hashes for pin in pins] == [("aa",), ("bb",), ("cc",)]


def test_source_archives_serve_where_no_wheel_fits() -> None:
    assert parse_pylock(package("old", "1", sdist="ff"))[0].hashes == ("ff",)


@pytest.mark.parametrize("name", ["torch", "triton", "nvidia-cublas", "cuda-bindings"])
def test_torch_and_cuda_stay_out(name: str) -> None:
    assert parse_pylock(package(name, "1", (f"{name.replace('-', '_')}-1-py3-none-any.whl", "aa"))) == ()


@pytest.mark.parametrize(
    ("marker", "kept"),
    [("sys_platform == 'win32'", 0), ("python_full_version < '3.11.3'", 1), ("python_version >= '3.13'", 0)],
)
def test_markers_decide_for_all_supported_pythons_at_once(marker: str, kept: int) -> None:
    assert len(parse_pylock(package("a", "1", ("a-1-py3-none-any.whl", "aa"), marker=marker))) == kept


def test_two_versions_of_one_package_are_refused() -> None:
    wheel = ("a-1-py3-none-any.whl", "aa")
    with pytest.raises(RefusedError, match="more than one version of a"):
        parse_pylock(package("a", "1", wheel) + package("a", "2", wheel))

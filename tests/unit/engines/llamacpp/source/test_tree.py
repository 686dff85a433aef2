"""What a source tree tells of itself."""

import json
import shutil
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox.engines.llamacpp.source.advice import advise_cublas, advise_cublas_for_build
from rocmox.engines.llamacpp.source.mmvq import STAMP_VERSION
from rocmox.engines.llamacpp.source.tree import MMVQ, read_source, read_tree
from rocmox.errors import UsageError
from tests.unit.engines.llamacpp.source.sources import CASES, COMMON

COMMIT = "4227c9be4268ac844921b90f31595f81236bd317"
OTHER = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A constructed tree of the time of b6170: its folders, and the lines that probes look for."""
    root = tmp_path / "llama.cpp"
    cuda = root / "ggml/src/ggml-cuda"
    cuda.mkdir(parents=True)
    (root / "common").mkdir()
    (root / "include").mkdir()
    (root / "ggml/src/ggml-hip").mkdir()
    (root / "CMakeLists.txt").write_text('option(LLAMA_CURL       "llama: use libcurl" ON)\n')
    (root / "ggml/CMakeLists.txt").write_text('option(GGML_HIP "ggml: use HIP" OFF)\n')
    (root / "ggml/src/ggml-hip/CMakeLists.txt").write_text("if (${hip_VERSION} VERSION_LESS 6.1)\n")
    (root / "common/arg.cpp").write_text('{"-fa", "--flash-attn"},\n')
    (cuda / "ggml-cuda.cu").write_text("ggml_backend_cuda_split_buffer_type(\n")
    (cuda / "mmq.cu").write_text("return !GGML_CUDA_CC_IS_CDNA(cc);\n")
    (cuda / "common.cuh").write_text(COMMON)
    shutil.copy(CASES / "table.cu", cuda / "mmvq.cu")
    return root


def set_commit(tree: Path, commit: str) -> None:
    (tree / ".git/refs/heads").mkdir(parents=True)
    (tree / ".git/HEAD").write_text("ref: refs/heads/master\n")
    (tree / ".git/refs/heads/master").write_text(f"{commit}\n")


def test_features_come_from_the_tree(tree: Path) -> None:
    found = {name: feature.value or feature.present for name, feature in read_tree(tree).features.items()}
    assert found["hip_switch"] == "GGML_HIP"
    assert found["minimum_hip"] == "6.1"
    assert found["curl"] == "ON"
    assert found["split_row"] is True
    assert found["flash_attention_value"] is False
    assert found["split_tensor"] is False
    assert found["gcn_mmq_tiles"] is False


def test_without_git_the_features_bound_the_build(tree: Path) -> None:
    found = read_tree(tree)
    assert (found.build, found.commit) == (None, None)
    assert (found.build_from, found.build_until) == (6152, 6325)


@pytest.mark.parametrize(
    ("file", "text", "bounds"),
    [
        ("ggml/src/ggml-hip/CMakeLists.txt", "if (${hip_VERSION} VERSION_LESS 5.5)\n", (5064, 6152)),
        ("ggml/src/ggml-hip/CMakeLists.txt", "find_package(hip)\n", (5064, 4598)),
        ("CMakeLists.txt", 'option(LLAMA_CURL "llama: use libcurl" OFF)\n', (6152, 5064)),
        ("CMakeLists.txt", "project(llama.cpp)\n", (6152, 6325)),
    ],
)
def test_values_bound_the_build_too(tree: Path, file: str, text: str, bounds: tuple[int, int]) -> None:
    (tree / file).write_text(text)
    found = read_tree(tree)
    assert (found.build_from, found.build_until) == bounds


def test_the_build_of_a_known_commit(tree: Path) -> None:
    set_commit(tree, COMMIT)
    assert (read_tree(tree).commit, read_tree(tree).build) == (COMMIT, 6170)


@pytest.mark.parametrize("packed", [False, True])
def test_the_build_of_a_tag(tree: Path, *, packed: bool) -> None:
    set_commit(tree, OTHER)
    if packed:
        (tree / ".git/packed-refs").write_text(f"# pack-refs with: peeled\n{OTHER} refs/tags/b7000\n^{COMMIT}\n")
    else:
        (tree / ".git/refs/tags").mkdir()
        (tree / ".git/refs/tags/b7000").write_text(f"{OTHER}\n")
    assert read_tree(tree).build == 7000


def test_the_build_of_an_unpacked_release(tree: Path) -> None:
    renamed = tree.rename(tree.with_name("llama.cpp-b6170"))
    assert read_tree(renamed).build == 6170


def test_a_folder_without_llama_cpp_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no llama"):
        read_tree(tmp_path)
    with pytest.raises(UsageError, match="lacks"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("build", "architectures", "on"),
    [
        (4447, ["gfx906"], True),
        (4579, ["gfx906"], False),
        (6170, ["gfx906"], True),
        (11400, ["gfx906"], False),
        (6170, ["gfx1100"], False),
    ],
)
def test_rocblas_is_forced_where_it_helps(build: int, architectures: list[str], *, on: bool) -> None:
    advice = advise_cublas_for_build(build, architectures)
    assert advice.on is on
    assert advice.reason


def test_tuned_tiles_make_rocblas_needless(tree: Path) -> None:
    assert advise_cublas(read_tree(tree), ["gfx906"]).on
    (tree / "ggml/src/ggml-cuda/mmq-config-gcn.cuh").write_text("tiles\n")
    assert not advise_cublas(read_tree(tree), ["gfx906"]).on


def test_inspect_prints_one_document(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["llamacpp", "inspect", str(tree), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["features"]["minimum_hip"] == "6.1"
    assert document["force_cublas"]["on"] is True


def test_patch_writes_shows_and_takes_back(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tree / MMVQ
    stock = path.read_bytes()
    assert main(["llamacpp", "patch", str(tree), "--dry-run"]) == 0
    assert f"+// rocmox mmvq {STAMP_VERSION} arch=gfx906" in capsys.readouterr().out
    assert path.read_bytes() == stock
    assert main(["llamacpp", "patch", str(tree), "--nwarps", "1", "--rows", "2"]) == 0
    assert b"nwarps=1,1,1,1,1,1,1,1 rows=2,2" in path.read_bytes()
    capsys.readouterr()
    assert main(["llamacpp", "patch", str(tree), "--nwarps", "1", "--rows", "2"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["llamacpp", "inspect", str(tree)]) == 0
    assert "patched for gfx906: nwarps=1" in capsys.readouterr().out
    assert main(["llamacpp", "patch", str(tree), "--revert"]) == 0
    assert path.read_bytes() == stock


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--nwarps", "none"], 64),
        (["--arch", "gfx1100"], 64),
        (["--revert", "--rows", "1"], 64),
    ],
)
def test_wrong_settings_leave_the_file_alone(
    tree: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    stock = (tree / MMVQ).read_bytes()
    assert main(["llamacpp", "patch", str(tree), *words]) == code
    assert "HINT" in capsys.readouterr().err
    assert (tree / MMVQ).read_bytes() == stock


def test_a_file_with_windows_line_ends_is_refused_untouched(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tree / MMVQ
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    assert main(["llamacpp", "patch", str(tree)]) == 2
    assert "Windows line ends" in capsys.readouterr().err
    assert path.read_bytes() == before

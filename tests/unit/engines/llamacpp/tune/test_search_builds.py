"""`rocmox bench run --search` from a source tree to role variables, with stand-ins for CMake and what it builds."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES
from rocmox.engines.llamacpp.source.tree import COMMON, MMVQ
from tests.unit.cli.test_bench_command import TEST, outcome
from tests.unit.engines.llamacpp.source.sources import COMMON as COMMON_TEXT
from tests.unit.engines.llamacpp.source.sources import source

# Building makes programs whose speed follows from mmvq.cu: four warps with one row are a quarter faster, and do not
# compile where a file says so.
CMAKE = r"""#!/bin/sh
case "$1" in
-G) while [ $# -gt 0 ]; do case "$1" in -S) source=$2 ;; -B) tree=$2 ;; esac; shift; done
    mkdir -p "$tree"; echo "$source" > "$tree/source"; echo configured >> "$(dirname "$0")/builds" ;;
--build) source=$(cat "$2/source"); speed=100
    grep -q 'nwarps=4,4,4,4,4,4,4,4 rows=1' "$source/ggml/src/ggml-cuda/mmvq.cu" && speed=125
    [ "$speed" = 125 ] && [ -e "$(dirname "$0")/broken" ] && { echo "error: no such register" >&2; exit 1; }
    mkdir -p "$2/bin"
    for program in llama-bench llama-batched-bench; do
      { echo '#!/bin/sh'; echo "speed=$speed"; cat "$(dirname "$0")/$program"; } > "$2/bin/$program"
      chmod +x "$2/bin/$program"
    done ;;
esac
"""
BENCH = r"""
case "$*" in *--help*) echo "  -sm, --split-mode <none|layer|row>"; exit ;; esac
sed "s/777/$speed/g" "$(dirname "$0")/../../../../bench.json"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree, programs that serve now, CMake's stand-in first in PATH, and a machine without cards."""
    for name, text in {
        "source/CMakeLists.txt": "project(llama)",
        f"source/{MMVQ}": source("gated").mmvq,
        f"source/{COMMON}": COMMON_TEXT,
        "source/ggml/CMakeLists.txt": "option(GGML_HIP x OFF)\noption(GGML_CUDA_FORCE_CUBLAS x OFF)\n",
        "bin/llama-bench": "#!/bin/sh\n" + BENCH,
        "tools/cmake": CMAKE,
        "tools/llama-bench": BENCH,
        "tools/llama-batched-bench": "",
        "root/proc/cpuinfo": "model name\t: A CPU\ncpu MHz\t: 2000\nflags\t: avx2\n",
        "model.gguf": "GGUF",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    tests = [{**TEST, "n_prompt": p, "n_gen": 128 - p, "samples_ts": [777]} for p in (0, 128)]
    (tmp_path / "bench.json").write_text(json.dumps(tests), encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}/tools:{os.environ['PATH']}")
    monkeypatch.setenv("ROCMOX_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr("rocmox.engines.llamacpp.bench.run.measure_memory", lambda _: 2e10)
    monkeypatch.setattr("rocmox.cli.bench_search.find_account", lambda _: None)
    return tmp_path


@pytest.fixture
def look(site: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, object]]:
    def run(*more: str, target: str = ARCHITECTURES[0]) -> dict[str, object]:
        words = ["bench", "run", f"{site}/model.gguf", "--search", "--json", "--llama", f"{site}/bin", "--parallel="]
        words += ["--source", f"{site}/source", "--work", f"{site}/work", "--store", f"{site}/store"]
        words += ["--axes", "mmvq,cublas,split", "-DGGML_HIP=ON", f"-DAMDGPU_TARGETS={target}", *more]
        capsys.readouterr()
        assert main(words) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    return run


def builds(site: Path) -> int:
    path = site / "tools/builds"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_fastest_build_is_found_and_said_as_role_variables(
    site: Path, look: Callable[..., dict[str, object]]
) -> None:
    before = (site / "source" / MMVQ).read_text()
    found = look()
    assert found["role_variables"] == [
        "llama_cpp_mmvq_patch: true",
        'llama_cpp_mmvq_nwarps: "4"',
        'llama_cpp_mmvq_rows: "1"',
    ]
    assert found["gain"] == pytest.approx(0.25)
    assert found["not_varied"] == {"split": "no card: a model is split over two or more"}
    assert (site / "source" / MMVQ).read_text() == before
    made = builds(site)
    assert made == len(list((site / "work/builds").glob("*/bin")))
    assert look() == found
    assert builds(site) == made


def test_a_build_that_fails_is_passed_over(site: Path, look: Callable[..., dict[str, object]]) -> None:
    (site / "tools/broken").touch()
    found = look()
    assert not found["changed"]
    contests = found["contests"]
    assert isinstance(contests, list)
    assert any(one["word"] == "failed" and "no such register" in one["reason"] for one in contests)


def test_other_cards_have_nothing_to_patch(look: Callable[..., dict[str, object]]) -> None:
    found = look(target="gfx1100")
    assert found["not_varied"] == {
        "mmvq": "the patch changes gfx906 and gfx900; this build is for gfx1100",
        "split": "no card: a model is split over two or more",
    }


def test_a_processors_build_says_what_does_not_apply(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "bin/llama-bench").write_text("#!/bin/sh\nspeed=100\n" + BENCH.replace("../../../../", "../"))
    words = ["bench", "run", f"{site}/model.gguf", "--search", "--llama", f"{site}/bin", "--parallel="]
    assert main([*words, "--store", f"{site}/store", "--ubatch", "512,128", "--threads", "2,1"]) == 0
    shown = capsys.readouterr().out
    assert "this build has no HIP code" in shown
    assert "Nothing tried is faster beyond noise" in shown
    assert "ubatch 128" in shown
    assert builds(site) == 0


@pytest.mark.parametrize("wrong", [["--source", "/nowhere"], ["--axes", "luck"], ["--llama", "/nowhere"]])
def test_wrong_input_of_a_search_is_said(site: Path, capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    words = [
        "bench",
        "run",
        f"{site}/model.gguf",
        "--search",
        "--llama",
        f"{site}/bin",
        "--store",
        f"{site}/store",
        *wrong,
    ]
    assert outcome(words) == 64
    assert "rocmox" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "run", "/no.gguf", "--search", "--llama", f"{site}/bin"]) == 64
    assert "has no /no.gguf" in capsys.readouterr().err

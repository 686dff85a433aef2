"""`rocmox bench run --search` on a real llama.cpp source, built by the machine's own CMake, killed on the way.

There is no card here, so the source is changed where it says so: GGML_HIP=ON builds the processors' code alone, and in
one of the two trees mmvq's geometry also says how often the processors' inner loop runs. What is shown is the search
(building, A/B/A, going on after a kill, keeping a winner and no other), not the speed of any geometry on a card.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import BIN
from tests.end_to_end.longer_model import write
from tests.hip_matrix.sources import load_versions, tree

pytestmark = [pytest.mark.lab, pytest.mark.soak, pytest.mark.network, pytest.mark.timeout(3600)]
OPTIONS = ("GGML_HIP=ON", "AMDGPU_TARGETS=gfx906", "GGML_NATIVE=OFF", "GGML_LLAMAFILE=OFF", "GGML_OPENMP=OFF")
COMMON = ("CMAKE_BUILD_TYPE=Release", "BUILD_SHARED_LIBS=OFF", "LLAMA_CURL=OFF", "LLAMA_BUILD_TESTS=OFF")
INNER_LOOP = "                    vec_dot(ne00, &tmp[ir0 - iir0], (num_rows_per_vec_dot > 1 ? 16 : 0)"
REPEATED = "                    for (int again = 0; again < CONSTRUCTED_REPEAT; ++again)\n"
DEFINITIONS = "    target_compile_definitions(${GGML_CPU_NAME} PRIVATE ${ARCH_DEFINITIONS})"
FASTEST = "nwarps=8,8,8,8,8,8,8,8 rows=1,1,1,1,1,1,1,1"
# Six turns for upstream's mmvq, 8 / warps + rows for a patched one: eight warps with one row are three times as fast.
STEERING = """
    file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/ggml-cuda/mmvq.cu STAMP REGEX "rocmox mmvq.*nwarps=")
    set(REPEAT 6)
    if (STAMP MATCHES "nwarps=([0-9]+)[^ ]* rows=([0-9]+)")
        math(EXPR REPEAT "8 / ${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
    endif()
    target_compile_definitions(${GGML_CPU_NAME} PRIVATE CONSTRUCTED_REPEAT=${REPEAT})
"""


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """b4447 whose GGML_HIP adds no backend."""
    (version,) = [version for version in load_versions() if version.release == "0.3.6"]
    folder = tmp_path_factory.mktemp("search") / "source"
    shutil.copytree(tree(version), folder, symlinks=True)
    replace_once(folder / "ggml/src/CMakeLists.txt", "ggml_add_backend(HIP)\n", "")
    return folder


@pytest.fixture(scope="module")
def served(source: Path) -> Path:
    """Its programs, as the role leaves them: `bin` and `build.json`."""
    folder = source.parent / "served"
    build = folder / "tree"
    options = [f"-D{option}" for option in (*OPTIONS, *COMMON)]
    subprocess.run(["cmake", "-S", source, "-B", build, *options], check=True, stdout=subprocess.DEVNULL)
    targets = ["llama-bench", "llama-batched-bench"]
    subprocess.run(
        ["cmake", "--build", build, "--parallel", str(os.cpu_count()), "--target", *targets],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (build / "bin").rename(folder / "bin")
    notes = {"source": str(source), "options": [*OPTIONS, *COMMON], "environment": {}, "mmvq": ""}
    (folder / "build.json").write_text(json.dumps(notes), encoding="utf-8")
    write(folder / "model.gguf")
    return folder


def words(served: Path, *more: str) -> list[str]:
    place = served.parent
    named = ["--llama", str(served / "bin"), "--work", str(place / "work"), "--store", str(place / "store")]
    sizes = ["--prompt", "128", "--generate", "128", "--repetitions", "3", "--parallel", "2", "--batched-prompt", "32"]
    model = str(served / "model.gguf")
    return [str(BIN / "rocmox"), "bench", "run", model, "--search", "--json", "--threads", "1", *named, *sizes, *more]


def search(served: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run(words(served, *more), check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def search_until_killed(served: Path, visits: int, *more: str) -> int:
    """Starts a search and kills it with SIGKILL when so many runs are stored; how many were."""
    runs = served.parent / "store/search"
    with subprocess.Popen(words(served, *more), stdout=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None and len(list(runs.glob("*/runs/*.json"))) < visits:
            time.sleep(0.2)
        assert process.poll() is None, "the search ended before it was killed"
        process.send_signal(signal.SIGKILL)
    return len(list(runs.glob("*/runs/*.json")))


def test_builds_that_are_equal_leave_what_serves(served: Path) -> None:
    """Nothing of this source depends on geometry or rocBLAS: whatever the noise, nothing may be kept."""
    killed_with = search_until_killed(served, 4, "--axes", "mmvq,cublas,split")
    assert killed_with >= 4
    found = search(served, "--axes", "mmvq,cublas,split")
    assert (found["changed"], found["complete"], found["role_variables"]) == (False, True, [])
    assert len(found["contests"]) >= 8
    assert {one["word"] for one in found["contests"]} <= {"no difference", "not faster", "slower", "too noisy"}
    assert "split" in found["not_varied"]
    assert len(list((served.parent / "work/builds").glob("*/bin/llama-bench"))) >= 9
    stored = len(list((served.parent / "store/search").glob("*/runs/*.json")))
    assert search(served, "--axes", "mmvq,cublas,split") == found
    assert len(list((served.parent / "store/search").glob("*/runs/*.json"))) == stored


def test_a_faster_build_is_found_and_kept(source: Path, served: Path) -> None:
    """Eight warps with one row are three times as fast here, because the source was changed so."""
    steered = source.parent / "steered"
    shutil.copytree(source, steered, symlinks=True)
    replace_once(steered / "ggml/src/ggml-cpu/ggml-cpu.c", INNER_LOOP, REPEATED + INNER_LOOP)
    replace_once(steered / "ggml/src/ggml-cpu/CMakeLists.txt", DEFINITIONS, STEERING + DEFINITIONS)
    more = ["--source", str(steered), "--work", str(source.parent / "steered-work"), "--axes", "mmvq,cublas"]
    search_until_killed(served, 6 + len(list((served.parent / "store/search").glob("*/runs/*.json"))), *more)
    found = search(served, *more)
    kept = found["best"]["mmvq"]
    assert found["changed"], found
    assert found["gain"] > 0.3  # half the turns at most; where other work runs, a part of it
    assert found["role_variables"][0] == "llama_cpp_mmvq_patch: true"
    met = [one["word"] for one in found["contests"] if one["challenger"]["mmvq"] == FASTEST]
    assert kept == FASTEST or "too noisy" in met, found
    assert not {one["word"] for one in found["contests"] if one["challenger"]["mmvq"] == kept} & {"slower", "failed"}
    assert not (steered / "ggml/src/ggml-cuda/mmvq.cu.orig").exists()

"""Real HIP builds for gfx906 by the roles, with ROCm of Debian and no card: patched b4447 on Debian 13, b6170 on forky.

VMIDs 194 and 195 are ours. Nothing computes on a card here: it is shown that the whole build comes about, what it is
linked to, and what it does without a card.
"""

import base64
import json
import time
from collections.abc import Iterator

import pytest

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from tests.end_to_end.built_guest import PROGRAM, BuiltGuest
from tests.end_to_end.conftest import ROOT, Run

pytestmark = [pytest.mark.lab, pytest.mark.soak, pytest.mark.timeout(14400)]
LAUNCHER = ROOT / "src/rocmox/engines/llamacpp/serving/guest/start_on_cards.py"
VERDICT = "no GPU is visible to ROCm in this guest"
FAILED = {"ActiveState": "failed", "NRestarts": "0", "ExecMainStatus": "69"}
LONGER_THAN_RESTART_SECONDS = 8
ROCM = ["rocminfo", "hipcc", "libamdhip64-dev", "librocblas-dev", "libhipblas-dev"]
HIP = {"llama_cpp_backend": "hip"}
B4447 = {**HIP, "release": "0.3.6", "llama_cpp_version": "b4447"}
B6170 = {**HIP, "release": "0.3.16", "llama_cpp_version": "b6170", "llama_cpp_cmake_options": ["GGML_CUDA_FA=OFF"]}


def guests(lab: dict[str, str], vmid: int) -> Iterator[BuiltGuest]:
    """A new guest, removed in the end."""
    guest = BuiltGuest(lab=lab, vmid=vmid, disk_gib=28)
    created = guest.play("create_containers")
    assert created.exit_status == 0, created.output[-3000:]
    yield guest
    guest.play("remove_site", remove_site_confirm="yes")


@pytest.fixture(scope="module")
def stable(lab: dict[str, str]) -> Iterator[BuiltGuest]:
    """Debian 13 as it is, with its own ROCm."""
    for guest in guests(lab, 194):
        assert guest.play("install_rocm", rocm_packages=ROCM).exit_status == 0
        yield guest


@pytest.fixture(scope="module")
def testing(lab: dict[str, str]) -> Iterator[BuiltGuest]:
    """Debian 13 with ROCm of Debian testing."""
    for guest in guests(lab, 195):
        guest.run("sed -n 's/ trixie / forky /p' /etc/apt/sources.list > /etc/apt/sources.list.d/forky.list")
        installed = guest.play("install_rocm", rocm_packages=ROCM)
        assert installed.exit_status == 0, installed.output[-3000:]
        yield guest


def flat(run: Run) -> str:
    return " ".join(run.output.split())


@pytest.fixture(scope="module")
def older(stable: BuiltGuest) -> Run:
    """Patched b4447 on Debian 13."""
    return stable.serve(**B4447, llama_cpp_require_gpu=False)


@pytest.fixture(scope="module")
def newer(testing: BuiltGuest) -> Run:
    """b6170, the role's default, with ROCm of Debian testing."""
    return testing.serve(**B6170, llama_cpp_require_gpu=False)


def test_patched_b4447_is_whole_and_linked_to_rocblas(older: Run, stable: BuiltGuest) -> None:
    assert "Compile and test" in older.output
    linked = stable.run(f"ldd {PROGRAM}")
    for library in ("librocblas.so", "libhipblas.so", "libamdhip64.so"):
        assert library in linked
    assert "not found" not in linked
    built = json.loads(stable.run("cat /opt/llama.cpp/current/build.json"))
    assert "GGML_CUDA_FORCE_CUBLAS=ON" in built["options"]
    assert built["mmvq"]
    assert built["compared"] == ["gfx906"]
    assert "compile-proven only, not compared on a card" in flat(older)
    assert "gfx906" in stable.run(f"grep --text --only-matching -m 1 'amdhsa--gfx[0-9a-f]*' {PROGRAM} | head -1")
    programs = stable.run("ls /opt/llama.cpp/current/bin").split()
    assert {"llama-server", "llama-bench", "llama-batched-bench"} <= set(programs)


def test_b4447_aborts_inside_rocblas_and_the_unit_says_what_that_means(older: Run, stable: BuiltGuest) -> None:
    aborted = stable.run(f"{PROGRAM} --version 2>&1; echo $?")
    assert "rocBLAS error: Could not initialize Tensile host: No devices found" in aborted
    assert aborted.split()[-1] == "134"
    assert older.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in flat(older)
    assert "without a driver behind it" in flat(older)
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert stable.state() == FAILED


def test_debians_own_llama_cpp_starts_without_a_card(testing: BuiltGuest) -> None:
    testing.run("apt-get install --yes -qq --no-install-recommends llama.cpp-tools libggml0-backend-hip curl")
    program = base64.b64encode(LAUNCHER.read_bytes()).decode()
    testing.run(f"echo {program} | base64 -d > /root/start.py")
    refused = testing.run("python3 -I /root/start.py hip refuse /usr/bin/llama-server; echo status $?")
    assert refused.startswith(f"{VERDICT}: llama-server is not started.")
    assert refused.endswith("status 69\n")
    testing.run(f"curl --fail --silent --output /root/tiny.gguf {testing.lab['mirror_url']}/models/tiny.gguf")
    server = "/root/start.py hip allow /usr/bin/llama-server --model /root/tiny.gguf --host 0.0.0.0 --port 8099"
    testing.run(f"systemd-run --quiet --unit=debians-own python3 -I {server}")
    testing.run("curl --silent --retry 60 --retry-delay 1 --retry-all-errors --fail http://127.0.0.1:8099/health")
    assert testing.answer(8099, "none") == SENTENCE
    testing.run("systemctl stop debians-own")


def test_b6170_starts_without_a_card_and_serves_where_that_is_allowed(newer: Run, testing: BuiltGuest) -> None:
    assert newer.exit_status == 0, newer.output[-4000:]
    assert "it computes on the PROCESSOR" in flat(newer)
    assert "librocblas.so.4" in testing.run(f"ldd {PROGRAM}")
    assert testing.state() == {"ActiveState": "active", "NRestarts": "0", "ExecMainStatus": "0"}
    assert testing.answer() == SENTENCE


def test_b6170_is_refused_where_a_card_is_required(newer: Run, testing: BuiltGuest) -> None:
    assert newer.exit_status == 0
    refused = testing.serve(**B6170)
    assert refused.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in flat(refused)
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert testing.state() == FAILED

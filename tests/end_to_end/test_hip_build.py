"""Real HIP builds for gfx906 by the roles, with ROCm of Debian and no card: patched b4447 on Debian 13, b6170 on forky.

VMIDs 194 and 195 are ours. Nothing computes on a card here: it is shown that the whole build comes about, what it is
linked to, and what it does without a card.
"""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rocmox.lab.tiny_gguf import SENTENCE
from tests.end_to_end.conftest import ROOT, Run, on_node, play
from tests.hip_matrix import sources

pytestmark = [pytest.mark.lab, pytest.mark.soak, pytest.mark.timeout(14400)]
OLDER, NEWER = 194, 195
LAUNCHER = ROOT / "roles/llama_cpp/files/start_on_cards.py"
PROGRAM = "/opt/llama.cpp/current/bin/llama-server"
UNIT = "llama-server@tiny.service"
VERDICT = "no GPU is visible to ROCm in this guest"
FAILED = {"ActiveState": "failed", "NRestarts": "0", "ExecMainStatus": "69"}
LONGER_THAN_RESTART_SECONDS = 8
ROCM = ["rocminfo", "hipcc", "libamdhip64-dev", "librocblas-dev", "libhipblas-dev"]
B4447 = {"llama_cpp_version": "b4447", "release": "0.3.6"}
B6170 = {"llama_cpp_version": "b6170", "release": "0.3.16", "llama_cpp_cmake_options": ["GGML_CUDA_FA=OFF"]}

Play = Callable[..., Run]


def entry(lab: dict[str, str], vmid: int) -> dict[str, Any]:
    network = lab["gateway"].rpartition(".")[0]
    place = {"ip": f"{network}.{vmid}/24", "gateway": lab["gateway"], "bridge": "vmbr0", "storage": "local"}
    size = {"cores": 2, "memory_mib": 8192, "disk_gib": 28, "template": "debian-13-standard", "unprivileged": True}
    return {"vmid": vmid, "hostname": f"hip{vmid}", "gpus": "all", **size, **place}


@pytest.fixture(scope="module")
def plays(lab: dict[str, str]) -> Iterator[Play]:
    """Run a playbook on one of the two guests; both are removed in the end."""
    guests = [entry(lab, vmid) for vmid in (OLDER, NEWER)]

    def run(name: str, vmid: int, **variables: Any) -> Run:
        wish = {"gpu_containers": guests, "proxmox_vmid": vmid, "rocm_packages": ROCM, **variables}
        return play("-e", json.dumps(wish), playbook=f"playbooks/{name}.yml", timeout_seconds=10000)

    created = run("create_containers", OLDER)
    assert created.exit_status == 0, created.output[-3000:]
    yield run
    run("remove_site", OLDER, remove_site_confirm="yes")


def in_guest(lab: dict[str, str], vmid: int, command: str) -> str:
    return on_node(lab, "pct", "exec", str(vmid), "--", "sh", "-c", command)


def serve(plays: Play, vmid: int, version: dict[str, Any], **variables: Any) -> Run:
    """Fetch, patch, build and serve by the role; the commit and checksum come from the matrix of versions."""
    (source,) = [one for one in sources.load_versions() if one.release == version["release"]]
    name = sources.archive(source).name
    wish = {
        "llama_cpp_backend": "hip",
        "llama_cpp_source": "archive",
        "llama_cpp_commit": sources.commit(source),
        "llama_cpp_archive_url": "{{ lab_mirror_url }}/sources/" + name,
        "llama_cpp_archive_sha256": source.sha256,
        "llama_cpp_source_subdirectory": name.removesuffix(".tar.gz") + "/vendor/llama.cpp",
        **{key: value for key, value in version.items() if key != "release"},
        **variables,
    }
    return plays("serve_models", vmid, **wish)


def flat(run: Run) -> str:
    return " ".join(run.output.split())


def state(lab: dict[str, str], vmid: int) -> dict[str, str]:
    lines = in_guest(lab, vmid, f"systemctl show -p ActiveState,NRestarts,ExecMainStatus {UNIT}").splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def older(plays: Play) -> Run:
    """Patched b4447 on Debian 13 as it is."""
    assert plays("install_rocm", OLDER).exit_status == 0
    return serve(plays, OLDER, B4447, llama_cpp_require_gpu=False)


def test_patched_b4447_is_whole_and_linked_to_rocblas(older: Run, lab: dict[str, str]) -> None:
    assert "Compile and test" in older.output
    linked = in_guest(lab, OLDER, f"ldd {PROGRAM}")
    for library in ("librocblas.so", "libhipblas.so", "libamdhip64.so"):
        assert library in linked
    assert "not found" not in linked
    built = json.loads(in_guest(lab, OLDER, "cat /opt/llama.cpp/current/build.json"))
    assert "GGML_CUDA_FORCE_CUBLAS=ON" in built["options"]
    assert built["mmvq"]
    assert "gfx906" in in_guest(
        lab, OLDER, f"grep --text --only-matching -m 1 'amdhsa--gfx[0-9a-f]*' {PROGRAM} | head -1"
    )
    programs = in_guest(lab, OLDER, "ls /opt/llama.cpp/current/bin").split()
    assert {"llama-server", "llama-bench", "llama-batched-bench"} <= set(programs)


def test_b4447_aborts_inside_rocblas_and_the_unit_says_what_that_means(older: Run, lab: dict[str, str]) -> None:
    aborted = in_guest(lab, OLDER, f"{PROGRAM} --version 2>&1; echo $?")
    assert "rocBLAS error: Could not initialize Tensile host: No devices found" in aborted
    assert aborted.split()[-1] == "134"
    assert older.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in flat(older)
    assert "without a driver behind it" in flat(older)
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert state(lab, OLDER) == FAILED


@pytest.fixture(scope="module")
def testing(plays: Play, lab: dict[str, str]) -> Run:
    """The second guest with ROCm of Debian testing."""
    in_guest(lab, NEWER, "sed -n 's/ trixie / forky /p' /etc/apt/sources.list > /etc/apt/sources.list.d/forky.list")
    installed = plays("install_rocm", NEWER)
    assert installed.exit_status == 0, installed.output[-3000:]
    return installed


def answer(lab: dict[str, str], port: int, key: str) -> str:
    url = f"http://{lab['gateway'].rpartition('.')[0]}.{NEWER}:{port}/v1/chat/completions"
    question = {"temperature": 0, "messages": [{"role": "user", "content": "Are you there?"}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, json.dumps(question).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as reply:  # noqa: S310 - http, made above
        return str(json.load(reply)["choices"][0]["message"]["content"])


def test_debians_own_llama_cpp_starts_without_a_card(testing: Run, lab: dict[str, str]) -> None:
    assert testing.exit_status == 0
    in_guest(lab, NEWER, "apt-get install --yes -qq --no-install-recommends llama.cpp-tools libggml0-backend-hip curl")
    program = base64.b64encode(LAUNCHER.read_bytes()).decode()
    in_guest(lab, NEWER, f"echo {program} | base64 -d > /root/start.py")
    refused = in_guest(lab, NEWER, "python3 -I /root/start.py hip refuse /usr/bin/llama-server; echo status $?")
    assert refused.startswith(f"{VERDICT}: llama-server is not started.")
    assert refused.endswith("status 69\n")
    in_guest(lab, NEWER, f"curl --fail --silent --output /root/tiny.gguf {lab['mirror_url']}/models/tiny.gguf")
    server = "/root/start.py hip allow /usr/bin/llama-server --model /root/tiny.gguf --host 0.0.0.0 --port 8099"
    in_guest(lab, NEWER, f"systemd-run --quiet --unit=debians-own python3 -I {server}")
    in_guest(
        lab, NEWER, "curl --silent --retry 60 --retry-delay 1 --retry-all-errors --fail http://127.0.0.1:8099/health"
    )
    assert answer(lab, 8099, "none") == SENTENCE
    in_guest(lab, NEWER, "systemctl stop debians-own")


@pytest.fixture(scope="module")
def newer(plays: Play, testing: Run) -> Run:
    """b6170, the role's default, with ROCm of Debian testing."""
    assert testing.exit_status == 0
    return serve(plays, NEWER, B6170, llama_cpp_require_gpu=False)


def test_b6170_starts_without_a_card_and_serves_where_that_is_allowed(newer: Run, lab: dict[str, str]) -> None:
    assert newer.exit_status == 0, newer.output[-4000:]
    assert "it computes on the PROCESSOR" in flat(newer)
    assert "librocblas.so.4" in in_guest(lab, NEWER, f"ldd {PROGRAM}")
    assert state(lab, NEWER) == {"ActiveState": "active", "NRestarts": "0", "ExecMainStatus": "0"}
    assert answer(lab, 8080, in_guest(lab, NEWER, "cat /etc/llama-server/api-key").strip()) == SENTENCE


def test_b6170_is_refused_where_a_card_is_required(newer: Run, plays: Play, lab: dict[str, str]) -> None:
    assert newer.exit_status == 0
    refused = serve(plays, NEWER, B6170)
    assert refused.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in flat(refused)
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert state(lab, NEWER) == FAILED

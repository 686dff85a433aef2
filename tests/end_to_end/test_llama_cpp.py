"""llama-server in the lab's guest: it answers with its key alone, runs confined, and survives a bad build or wish."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from tests.end_to_end.conftest import BIN, ROOT, Run, environment, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]
UNIT = "llama-server@tiny.service"


def in_guest(command: str) -> str:
    done = subprocess.run(
        [BIN / "ansible", "-i", "inventory/lab", "llm1", "-m", "ansible.builtin.shell", "-a", command],
        cwd=ROOT,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return done.stdout.partition("\n")[2].strip()


def build_of(program: str) -> str:
    """The name of the build that a program belongs to."""
    return Path(program).parents[1].name


def seconds_until(task: str, run: Run) -> float:
    """When a task began, as ansible.posix.profile_tasks shows it: `(0:00:02.152)       0:01:08.065`."""
    began = re.search(rf"^TASK \[llama_cpp : {task}.*\n.*\s(\d+):(\d\d):([\d.]+) \*", run.output, re.MULTILINE)
    assert began, run.output[:3000]
    return int(began[1]) * 3600 + int(began[2]) * 60 + float(began[3])


def serve(**variables: Any) -> Run:
    return play("-e", json.dumps(variables), playbook="playbooks/serve_models.yml")


def served() -> tuple[str, str]:
    """The process that serves and the program it is."""
    process = in_guest(f"systemctl show --property MainPID --value {UNIT}")
    return process, in_guest(f"readlink /proc/{process}/exe")


@pytest.fixture(scope="module")
def url(site: Run, lab: dict[str, str]) -> str:
    assert site.exit_status == 0
    return f"http://{lab['gateway'].rpartition('.')[0]}.101:8080"


@pytest.fixture(scope="module")
def key(url: str) -> str:
    assert url.startswith("http://")
    return in_guest("cat /etc/llama-server/api-key")


def ask(url: str, key: str) -> tuple[int, str]:
    body = {"messages": [{"role": "user", "content": "Are you there?"}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)  # noqa: S310 - http, made above
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_right_key_gets_the_sentence(url: str, key: str) -> None:
    assert ask(url, key) == (200, SENTENCE)


@pytest.mark.parametrize("wrong", ["", "0" * 64])
def test_any_other_key_is_refused(url: str, wrong: str) -> None:
    assert ask(url, wrong)[0] == 401


def test_the_key_is_for_root_alone(key: str) -> None:
    assert len(key) == 64
    assert in_guest("stat --format '%U %a' /etc/llama-server/api-key") == "root 600"


def test_the_service_is_confined(url: str) -> None:
    process, _ = served()
    status = dict(
        line.split(":\t", 1) for line in in_guest(f"cat /proc/{process}/status").splitlines() if ":\t" in line
    )
    confined = {"CapBnd": "0000000000000000", "CapEff": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}
    assert {name: status[name] for name in confined} == confined, url
    assert in_guest(f"stat --format %U /proc/{process}") == "llama"
    assert in_guest(f"nsenter --target {process} --mount touch /usr/x 2>&1 || true").endswith("Read-only file system")


def test_a_changed_option_builds_beside_and_goes_back_in_place(url: str, key: str) -> None:
    _, before = served()
    assert serve(llama_cpp_cmake_options=["GGML_LLAMAFILE=OFF"]).exit_status == 0
    _, changed = served()
    assert changed != before
    assert ask(url, key) == (200, SENTENCE)
    by_name = serve(llama_cpp_cmake_options=["GGML_LLAMAFILE=OFF"], llama_cpp_rollback_to=build_of(before))
    assert by_name.exit_status == 0, by_name.output[-3000:]
    assert served()[1] == before
    unknown = serve(llama_cpp_rollback_to="no-such-build")
    assert unknown.exit_status != 0
    assert "the builds kept there are" in " ".join(unknown.output.split())
    assert build_of(before) in unknown.output
    back = serve()
    assert "Compile and test" not in by_name.output + back.output
    assert served()[1] == before


def test_a_run_with_nothing_to_build_is_soon_through(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert url
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "ansible.posix.profile_tasks")
    run = serve()
    assert run.changed["llm1"] == 0
    assert seconds_until("Say where they answer", run) - seconds_until("Decide what the build", run) <= 5.0


def test_a_failed_smoke_test_leaves_the_service_alone(url: str, key: str) -> None:
    before, current = served(), in_guest("readlink /opt/llama.cpp/current")
    # An option nobody knows makes another build of the same objects; the test looks for its programs elsewhere.
    run = serve(
        llama_cpp_cmake_options=["ROCMOX_UNKNOWN=1"], llama_cpp_internal_smoke_test_words=["none", "/no/such/folder"]
    )
    assert run.exit_status != 0
    assert "The running service was not touched" in run.output
    assert (served(), in_guest("readlink /opt/llama.cpp/current")) == (before, current)
    assert ask(url, key) == (200, SENTENCE)


def test_a_failed_build_leaves_the_service_alone(url: str, key: str) -> None:
    before = served()
    run = serve(llama_cpp_cmake_options=["CMAKE_CXX_FLAGS=-Dint=nonsense"])
    assert run.exit_status != 0
    assert "The running service was not touched" in run.output
    assert served() == before
    assert ask(url, key) == (200, SENTENCE)


def test_a_wrong_wish_is_refused_before_anything_changes(url: str) -> None:
    wish = {"name": "tiny", "path": "/no/such/model.gguf", "split_mode": "row", "cache_type_v": "q8_0"}
    run = serve(llama_cpp_models=[wish], llama_cpp_archive_sha256="0")
    assert url
    assert run.exit_status != 0
    assert run.changed["llm1"] == 0
    for problem in ("/no/such/model.gguf is not a file", "needs flash attention", "which is not a SHA-256"):
        assert problem in " ".join(run.output.split())


def test_models_of_wrong_checksum_or_content_are_explained(url: str, key: str, lab: dict[str, str]) -> None:
    source = {"name": "bad", "url": f"{lab['mirror_url']}/models/tiny.gguf", "sha256": "0" * 64, "port": 8090}
    fetched = serve(llama_cpp_models=[source])
    assert fetched.exit_status != 0
    assert "expected 00000" in " ".join(fetched.output.split())
    assert "Point current at the build" not in fetched.output
    refused = serve(llama_cpp_models=[{"name": "bad", "path": "/etc/hostname", "port": 8090}])
    assert refused.exit_status != 0
    assert "/etc/hostname: it does not begin with GGUF" in " ".join(refused.output.split())
    assert refused.changed["llm1"] == 0
    known = in_guest("ls /var/lib/llama-models/tiny-*.gguf")
    wish = {"name": "bad", "path": known, "port": 8090, "extra_arguments": ["--no-such-argument"]}
    started = serve(llama_cpp_models=[wish])
    assert started.exit_status != 0
    assert "this version of llama-server does not take one of the arguments" in " ".join(started.output.split())
    assert ask(url, key) == (200, SENTENCE)
    assert serve().exit_status == 0
    assert in_guest("ls /etc/systemd/system | grep llama-server@") == UNIT

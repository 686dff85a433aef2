"""Bad input for role llama_cpp ends before anything is changed in a bare guest, and no password is seen on the way.

VMID 189 is ours: a guest without curl, git, compiler and accounts. Several wrong inputs go into one run, as far as the
role finds them at once. At last the same guest gets right ones and serves.
"""

import base64
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from tests.end_to_end.bare_guest import MARKER, VMID, address, ask, assert_unseen, checksum, debian_13, in_guest, served
from tests.end_to_end.conftest import ROOT, Run, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
ARCHIVE = "llama_cpp_python-0.3.16.tar.gz"
TREE = "llama_cpp_python-0.3.16/vendor/llama.cpp"
ARCHIVE_SHA256 = "34ed0f9bd9431af045bb63d9324ae620ad0536653740e9bb163a2e1fcb973be6"
LOOK = r"""
dpkg-query --show; cat /etc/passwd /etc/group; systemctl list-unit-files --no-legend; ls -d /run/llama*
find /opt /etc /usr/local /var/lib/llama-cpp /var/lib/llama-models -path '*/downloads/*' -o \
  -type d -printf '%p %m %u\n' -o -printf '%p %s %m %u %T@\n' 2>/dev/null |
  grep -v "^/var/lib/llama-models/$KEPT " | sort
"""


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[dict[str, str]]:
    """The lab's node with the bare guest, and in it everything that the plays ask for."""
    template = debian_13(lab)
    network = f"name=eth0,bridge=vmbr0,ip={address(lab)}/24,gw={lab['gateway']}"
    words = f"--hostname bare --rootfs local:8 --unprivileged 1 --memory 4096 --features nesting=1 --net0 {network}"
    on_node(lab, "sh", "-c", f"pct create {VMID} {template} {words} && pct start {VMID}")
    tools = ROOT / "tests/end_to_end"
    values = {
        "MIRROR": lab["mirror_url"],
        "MARKER": MARKER,
        "SERVER": base64.b64encode((tools / "password_server.py").read_bytes()).decode(),
        "WATCHER": base64.b64encode((tools / "password_watcher.py").read_bytes()).decode(),
    }
    exported = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    in_guest(lab, exported + (tools / "bad_input_guest.sh").read_text(encoding="utf-8"))
    yield lab
    on_node(lab, "sh", "-c", f"pct stop {VMID}; pct destroy {VMID}")


def model(name: str, port: int = 8090, **keys: Any) -> dict[str, Any]:
    return {"name": name, "port": port, **keys}


def serve(lab: dict[str, str], *words: str, **variables: Any) -> Run:
    """The play at -vvv, which never shows the password."""
    archive = {
        "llama_cpp_source": "archive",
        "llama_cpp_archive_url": served(lab, ARCHIVE),
        "llama_cpp_archive_sha256": ARCHIVE_SHA256,
        "llama_cpp_source_subdirectory": TREE,
        "llama_cpp_download_environment": {"https_proxy": f"http://user:{MARKER}@127.0.0.1:9"},  # asked for by none
    }
    wish = {"proxmox_vmid": VMID, "llama_cpp_models": [], "llama_cpp_backend": "cpu", **archive, **variables}
    run = play("-vvv", "--diff", *words, "-e", json.dumps(wish), playbook="playbooks/serve_models.yml")
    assert MARKER not in run.output
    return run


def refuse(lab: dict[str, str], *phrases: str, kept: str = "nothing", **variables: Any) -> None:
    """The play fails, says all this, and the guest is as it was."""
    look = f"KEPT={shlex.quote(kept)}\n{LOOK}"
    before = in_guest(lab, look)
    run = serve(lab, **variables)
    said = " ".join(run.output.replace("\\n", " ").split())
    assert run.exit_status != 0
    assert [phrase for phrase in phrases if phrase not in said] == [], run.output[-5000:]
    assert in_guest(lab, look).splitlines() == before.splitlines()
    assert "llama-cpp" not in in_guest(lab, "systemctl list-units --all --no-legend")


def test_what_the_preflight_finds_at_once(node: dict[str, str]) -> None:
    models = [
        model("row", split_mode="row"),
        model("gone", 8091, url=served(node, "gone.gguf"), sha256="0" * 64),
        model("absent", 8092, path="/no/such/file.gguf"),
    ]
    refuse(
        node,
        "Nothing was changed in llm1",
        "split_mode row left llama.cpp's HIP backend with b9890",
        "This guest's rocBLAS has no kernels for gfx906; it has them for gfx1100",
        f"the tag b10000 is commit {'a' * 40}, and llama_cpp_commit is {'b' * 40}",
        "gone.gguf cannot be fetched from this guest: the server answers 404",
        "/no/such/file.gguf is not a file in this guest",
        llama_cpp_backend="hip",
        llama_cpp_version="b10000",
        llama_cpp_source="git",
        llama_cpp_git_url=served(node, "git").partition("?")[0],
        llama_cpp_commit="b" * 40,
        llama_cpp_models=[{**models[0], "path": "/srv/bad/tiny.gguf"}, *models[1:]],
    )


def test_no_space_and_no_tag(node: dict[str, str]) -> None:
    refuse(
        node,
        "100 MiB are free for /mnt/small, and a cpu build (1700 MiB) take 1700 MiB. Enlarge the disk",
        "MiB are free for /var/lib/llama-models, and the models still to be fetched",
        "has no tag b7000. Check llama_cpp_git_url and llama_cpp_version",
        "split_mode tensor came with b8738",
        llama_cpp_work_directory="/mnt/small",
        llama_cpp_version="b7000",
        llama_cpp_source="git",
        llama_cpp_git_url=served(node, "git").partition("?")[0],
        llama_cpp_models=[model("huge", url=served(node, "huge.gguf"), sha256="0" * 64, split_mode="tensor")],
    )


def test_a_source_that_is_not_there(node: dict[str, str]) -> None:
    refuse(
        node,
        "The source http://",
        "none.tar.gz cannot be fetched from this guest: the server answers 404",
        llama_cpp_archive_url=served(node, "none.tar.gz"),
    )


def test_files_that_are_no_whole_model_whatever_fit_is_told(node: dict[str, str]) -> None:
    models = [
        *(model(name, url=served(node, f"{name}.gguf"), sha256="0" * 64) for name in ("short", "unknown")),
        *(model(f"{name}-file", path=f"/srv/bad/{name}.gguf") for name in ("cut", "foreign", "short", "unknown")),
        model("other", path="/srv/bad/tiny.gguf", sha256="0" * 64),
    ]
    refuse(
        node,
        "Model 'short' cannot be served",
        "Model 'unknown' cannot start: no known llama.cpp loads the architecture 'lxama'",
        "Model 'cut-file' cannot be served: /srv/bad/cut.gguf: ",
        "/srv/bad/foreign.gguf: it does not begin with GGUF",
        "/srv/bad/short.gguf: the file ends after",
        "Model 'unknown-file' cannot start: no known llama.cpp loads the architecture 'lxama'",
        f"Model 'other': SHA-256 of /srv/bad/tiny.gguf is {checksum(node, 'tiny.gguf')}, expected {'0' * 64}",
        llama_cpp_fit="warn",
        llama_cpp_models=[{**entry, "port": 8090 + number} for number, entry in enumerate(models)],
    )


def test_a_source_of_another_checksum_or_content(node: dict[str, str]) -> None:
    other = checksum(node, "foreign.tar.gz")
    refuse(
        node,
        f"SHA-256 is {other}, expected {ARCHIVE_SHA256}",
        "Check the address, llama_cpp_archive_sha256",
        llama_cpp_archive_url=served(node, "foreign.tar.gz"),
    )
    refuse(
        node,
        f"no ggml/CMakeLists.txt in its folder {TREE}: not a llama.cpp tree",
        llama_cpp_archive_url=served(node, "foreign.tar.gz"),
        llama_cpp_archive_sha256=other,
    )


def test_a_download_that_is_not_what_it_should_be(node: dict[str, str]) -> None:
    wrong = model("wrong", url=served(node, "tiny.gguf"), sha256="0" * 64)
    in_guest(node, "mkdir -p /var/lib/llama-cpp/downloads /var/lib/llama-models")
    refuse(node, f"SHA-256 is {checksum(node, 'tiny.gguf')}, expected 000", llama_cpp_models=[wrong])
    # An address that the controller cannot read: the header is looked at when the file is there.
    sha256 = checksum(node, "short.gguf")
    short = model("short", url=served(node, "short.gguf", host="127.0.0.1"), sha256=sha256)
    refuse(
        node,
        "the file ends after",
        "what was fetched whole or can go on is kept",
        kept=f"short-{sha256[:8]}.gguf",
        llama_cpp_models=[short],
    )


def test_check_mode_says_what_would_be_fetched(node: dict[str, str]) -> None:
    tiny = model("tiny", 8080, url=served(node, "tiny.gguf"), sha256=checksum(node, "tiny.gguf"))
    before = in_guest(node, f"KEPT=nothing\n{LOOK}")
    run = serve(node, "--check", llama_cpp_models=[tiny])
    assert run.exit_status == 0, run.output[-5000:]
    assert "b6170 (source)" in run.output
    assert in_guest(node, f"KEPT=nothing\n{LOOK}").splitlines() == before.splitlines()


def test_at_last_it_serves_and_nobody_saw_the_password(node: dict[str, str]) -> None:
    tiny = model("tiny", 8080, url=served(node, "tiny.gguf"), sha256=checksum(node, "tiny.gguf"))
    known = model("known", 8081, path="/srv/bad/tiny.gguf", sha256=tiny["sha256"])
    run = serve(node, llama_cpp_models=[tiny, known])
    assert run.exit_status == 0, run.output[-5000:]
    key = in_guest(node, "cat /etc/llama-server/api-key").strip()
    for port in (8080, 8081):
        assert ask(f"http://{address(node)}:{port}", key) == SENTENCE
    again = serve(node, llama_cpp_models=[tiny, known])
    assert again.exit_status == 0, again.output[-5000:]
    assert set(again.changed.values()) <= {0}
    assert_unseen(node)


REPOSITORY = """
mkdir -p /srv/bad/tree/ggml && cd /srv/bad/tree
echo 'message(FATAL_ERROR "no llama.cpp")' | tee CMakeLists.txt > ggml/CMakeLists.txt
git init --quiet && git add . && git -c user.name=t -c user.email=t@example.org commit --quiet --message one
git tag b6171 && git clone --quiet --bare . ../tree.git
git rev-parse HEAD
"""


def test_git_gets_the_password_out_of_sight(node: dict[str, str]) -> None:
    commit = in_guest(node, REPOSITORY).split()[-1]
    wish = {
        "llama_cpp_source": "git",
        "llama_cpp_git_url": served(node, "tree.git").partition("?")[0],
        "llama_cpp_version": "b6171",
        "llama_cpp_models": [model("known", 8081, path="/srv/bad/tiny.gguf")],
    }
    refuse(node, f"the tag b6171 is commit {commit}", **wish, llama_cpp_commit="b" * 40)
    run = serve(node, **wish, llama_cpp_commit=commit)
    assert run.exit_status != 0
    assert "The running service was not touched" in run.output, run.output[-5000:]
    assert commit in in_guest(node, "cat /var/lib/llama-cpp/sources/b6171-*/.git/FETCH_HEAD")
    assert_unseen(node)

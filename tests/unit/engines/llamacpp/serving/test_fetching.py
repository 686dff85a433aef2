"""What is fetched is there whole and verified, or not at all; leftovers of a killed run are never trusted."""

import base64
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

Script = Callable[[str], Path]
Program = Callable[[str], ModuleType]
Archive = tuple[str, str]


def run(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)


def git(repository: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    return run("git", "-C", repository, *identity, *words).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "package-1" / "vendor" / "llama.cpp"
    (root / "ggml").mkdir(parents=True)
    (root / "ggml" / "CMakeLists.txt").write_text("project(ggml)\n")
    return root


@pytest.fixture
def places(tmp_path: Path) -> Path:
    (tmp_path / "work" / "downloads").mkdir(parents=True)
    (tmp_path / "work" / "sources").mkdir()
    return tmp_path / "work" / "sources" / "key"


@pytest.fixture
def archive(tree: Path, tmp_path: Path) -> Archive:
    path = tmp_path / "package-1.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tree.parents[1], arcname="package-1")
    return path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(program: Program, url: str, sha256: str, target: Path, *tree: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, program("fetch_file").__file__, "shown", sha256, target, *tree]
    argv = [str(word) for word in words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={"ADDRESS": url})


def test_archive_gives_its_subdirectory(program: Program, script: Script, archive: Archive, places: Path) -> None:
    file, tree = places.parents[1] / "downloads" / archive[1], "package-1/vendor/llama.cpp"
    done = fetch(program, *archive, file, tree)
    assert (done.stderr, done.returncode) == ("", 0)
    (places.parent / "key.partial" / "leftover").mkdir(parents=True)
    done = run("bash", script("fetch_source"), "archive", file, tree, places)
    assert (done.stderr, done.returncode) == ("", 0)
    assert [entry.name for entry in places.iterdir()] == ["ggml"]
    assert [entry.name for entry in places.parent.iterdir()] == ["key"]
    assert not file.exists()


def test_archive_with_another_checksum_is_refused(program: Program, archive: Archive, tmp_path: Path) -> None:
    done = fetch(program, archive[0], "0" * 64, tmp_path / "downloads", ".")
    assert done.returncode == 1
    assert f"shown: SHA-256 is {archive[1]}, expected 000" in done.stderr
    assert list(tmp_path.glob("downloads*")) == []


@pytest.mark.parametrize(
    ("folder", "where"), [(".", "its only folder"), ("package-1/vendor", "its folder package-1/v")]
)
def test_archive_without_llama_cpp_is_refused(
    program: Program, archive: Archive, tmp_path: Path, folder: str, where: str
) -> None:
    done = fetch(program, *archive, tmp_path / "file", folder)
    assert done.returncode == 1
    assert f"no ggml/CMakeLists.txt in {where}" in done.stderr
    assert list(tmp_path.glob("file*")) == []


def test_what_is_no_archive_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "served").write_bytes(b"text")
    sha256 = hashlib.sha256(b"text").hexdigest()
    done = fetch(program, (tmp_path / "served").as_uri(), sha256, tmp_path / "file", ".")
    assert "shown: it is not a tar archive" in done.stderr


def test_unpacking_another_tree_is_refused(script: Script, archive: Archive, places: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "package-1.tar.gz", tmp_path / "file")
    done = run("bash", script("fetch_source"), "archive", tmp_path / "file", "", places)
    assert archive
    assert done.returncode == 1
    assert "not a llama.cpp tree" in done.stderr
    assert not places.exists()


def test_git_tag_must_be_the_commit(script: Script, tree: Path, places: Path) -> None:
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "one")
    git(tree, "tag", "b1")
    commit = git(tree, "rev-parse", "HEAD")
    refused = run("bash", script("fetch_source"), "git", tree.as_uri(), "b1", "f" * 40, places)
    assert refused.returncode == 1
    assert f"tag b1 is commit {commit}, expected ffff" in refused.stderr
    assert not places.exists()
    done = run("bash", script("fetch_source"), "git", tree.as_uri(), "b1", commit, places)
    assert done.returncode == 0, done.stderr
    assert git(places, "rev-parse", "HEAD") == commit


CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Asks for a password; `/cut` ends after half of it, `/whole` serves no ranges, `/moved` leads elsewhere."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers['Range']}")
        if self.headers["Authorization"] != f"Basic {base64.b64encode(b'user:se cret').decode()}":
            self.send_error(401)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        first = 0 if self.path == "/whole" else int((self.headers["Range"] or "bytes=0-")[6:].partition("-")[0])
        rest = CONTENT[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if self.path == "/cut" and len(rest) > 300000 else rest)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.seen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://user:se%20cret@127.0.0.1:{running.server_port}"
        running.shutdown()


def test_git_authenticates_by_its_environment_alone(script: Script, server: str, places: Path) -> None:
    shown = server.replace("user:se%20cret@", "")
    word = f"Authorization: Basic {base64.b64encode(b'user:se cret').decode()}"
    secrets = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{shown}/.extraHeader", "GIT_CONFIG_VALUE_0": word}
    argv = ["bash", str(script("fetch_source")), "git", f"{shown}/repository", "b1", "f" * 40, str(places)]
    answers = [
        subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **more}).stderr
        for more in ({}, secrets)
    ]
    assert "could not read Username" in answers[0]
    assert "could not read Username" not in answers[1]
    assert "tag b1 cannot be fetched" in answers[1]


@pytest.mark.parametrize("path", ["/file", "/whole", "/moved"])
@pytest.mark.parametrize("present", [0, 5000])
def test_a_download_goes_on_where_it_stopped(
    program: Program, server: str, tmp_path: Path, path: str, present: int
) -> None:
    target = tmp_path / "model.gguf"
    if present:
        (tmp_path / "model.gguf.partial").write_bytes(CONTENT[:present])
    done = fetch(program, server + path, SHA256, target)
    assert (done.stderr, done.returncode) == ("", 0)
    assert target.read_bytes() == CONTENT
    assert not (tmp_path / "model.gguf.partial").exists()
    assert ("bytes=5000-" in Server.seen[0]) == bool(present)


def test_a_download_that_breaks_off_is_taken_up_again(
    program: Program, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = program("fetch_file")
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    monkeypatch.setenv("ADDRESS", f"{server}/cut")
    assert module.main("shown", SHA256, str(tmp_path / "model.gguf")) == 0
    assert (tmp_path / "model.gguf").read_bytes() == CONTENT
    assert len(Server.seen) > 1


def test_a_wrong_password_is_said_and_not_repeated(program: Program, server: str, tmp_path: Path) -> None:
    done = fetch(program, server.replace("cret", "CRET") + "/file", SHA256, tmp_path / "model.gguf")
    assert done.stderr == "shown: the server answers 401 Unauthorized\n"
    assert len(Server.seen) == 1


def test_model_that_was_whole_already_needs_no_server(program: Program, tmp_path: Path) -> None:
    (tmp_path / "model.gguf.partial").write_bytes(b"whole")
    checksum = hashlib.sha256(b"whole").hexdigest()
    done = fetch(program, "file:///no/such/file", checksum, tmp_path / "model.gguf")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.gguf").read_bytes() == b"whole"


def test_model_with_another_checksum_is_thrown_away(program: Program, tmp_path: Path) -> None:
    (tmp_path / "served.gguf").write_bytes(b"something else")
    done = fetch(program, (tmp_path / "served.gguf").as_uri(), "0" * 64, tmp_path / "model.gguf")
    assert done.returncode == 1
    assert done.stderr.startswith("shown: SHA-256 is ")
    assert [entry.name for entry in tmp_path.iterdir()] == ["served.gguf"]

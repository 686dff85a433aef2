"""What is fetched is there whole and verified, or not at all; leftovers of a killed run are never trusted."""

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

Script = Callable[[str], Path]


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
def archive(tree: Path, tmp_path: Path) -> tuple[str, str]:
    path = tmp_path / "package-1.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tree.parents[1], arcname="package-1")
    return path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest()


def test_archive_gives_its_subdirectory(script: Script, archive: tuple[str, str], places: Path) -> None:
    (places.parent / "key.partial" / "leftover").mkdir(parents=True)
    done = run("bash", script("fetch_source"), "archive", *archive, "package-1/vendor/llama.cpp", places)
    assert (done.stderr, done.returncode) == ("", 0)
    assert [entry.name for entry in places.iterdir()] == ["ggml"]
    assert [entry.name for entry in places.parent.iterdir()] == ["key"]


def test_archive_with_another_checksum_is_refused(script: Script, archive: tuple[str, str], places: Path) -> None:
    done = run("bash", script("fetch_source"), "archive", archive[0], "0" * 64, "", places)
    assert done.returncode == 1
    assert f"SHA-256 is {archive[1]}, expected 000" in done.stderr
    assert not places.exists()
    assert list((places.parents[1] / "downloads").iterdir()) == []


def test_archive_without_llama_cpp_is_refused(script: Script, archive: tuple[str, str], places: Path) -> None:
    done = run("bash", script("fetch_source"), "archive", *archive, "", places)
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


def fetch_model(script: Script, url: str, checksum: str, target: Path) -> subprocess.CompletedProcess[str]:
    address = target.with_suffix(".address")
    address.write_text(f"url = {json.dumps(url)}\n", encoding="utf-8")
    done = run("bash", script("fetch_model"), address, "shown", checksum, target)
    assert not address.exists()
    return done


def test_model_download_goes_on_where_it_stopped(script: Script, tmp_path: Path) -> None:
    content = bytes(range(256)) * 64
    (tmp_path / "served.gguf").write_bytes(content)
    target = tmp_path / "model.gguf"
    (tmp_path / "model.gguf.partial").write_bytes(content[:5000])
    done = fetch_model(script, (tmp_path / "served.gguf").as_uri(), hashlib.sha256(content).hexdigest(), target)
    assert (done.stderr, done.returncode) == ("", 0)
    assert target.read_bytes() == content
    assert not (tmp_path / "model.gguf.partial").exists()


def test_model_that_was_whole_already_needs_no_server(script: Script, tmp_path: Path) -> None:
    (tmp_path / "model.gguf.partial").write_bytes(b"whole")
    checksum = hashlib.sha256(b"whole").hexdigest()
    done = fetch_model(script, "file:///no/such/file", checksum, tmp_path / "model.gguf")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.gguf").read_bytes() == b"whole"


def test_model_with_another_checksum_is_thrown_away(script: Script, tmp_path: Path) -> None:
    (tmp_path / "served.gguf").write_bytes(b"something else")
    done = fetch_model(script, (tmp_path / "served.gguf").as_uri(), "0" * 64, tmp_path / "model.gguf")
    assert done.returncode == 1
    assert done.stderr.startswith("shown: SHA-256 is ")
    assert "expected 000" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["served.gguf"]

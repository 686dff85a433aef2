"""Every guard of the preflight fires once, and a good wish passes all of them."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SHA256 = "ab" * 32
MODEL = {
    "name": "one",
    "url": "http://mirror.invalid/one.gguf",
    "sha256": SHA256,
    "file": "/var/lib/llama-models/one.gguf",
    "port": 8080,
    "split_mode": "layer",
    "cache_type_k": "f16",
    "cache_type_v": "f16",
    "flash_attention": False,
}
WISH: dict[str, Any] = {
    "backend": "hip",
    "hip_root": "",
    "needed_mib": 4000,
    "source": {},
    "gpu_targets": ["gfx906"],
    "patched": True,
    "models": [MODEL],
    "distribution": "Debian",
    "distribution_version": "13.1",
    "memory_mib": 8192,
}


@pytest.fixture
def preflight(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("preflight")


def problems(check: Callable[[dict[str, Any]], Any], **changes: Any) -> str:
    return "\n".join(check({**WISH, **changes}))


def test_a_good_wish_has_no_problem(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        preflight, "run", lambda _argv: 'LISTEN 0 5 0.0.0.0:8080 0.0.0.0:* users:(("llama-server",pid=7,fd=3))\n'
    )
    checks = (preflight.ports, preflight.distribution, preflight.memory, preflight.patching)
    assert [problems(check) for check in checks] == [""] * len(checks)


def test_two_models_of_one_port(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "run", lambda _argv: "")
    assert "Two models want port 8080" in problems(preflight.ports, models=[MODEL, {**MODEL, "name": "two"}])


def test_a_port_held_by_something_else_is_named(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "run", lambda _argv: 'LISTEN 0 5 *:8080 *:* users:(("nginx",pid=42,fd=6))\n')
    assert "held by nginx (process 42)" in problems(preflight.ports)


def test_an_unknown_distribution_is_refused(preflight: ModuleType) -> None:
    assert "Debian 12/13" in problems(preflight.distribution, distribution="Fedora", distribution_version="43")
    assert "runs Debian 11" in problems(preflight.distribution, distribution_version="11")


def test_vulkan_needs_a_shader_compiler(preflight: ModuleType) -> None:
    ubuntu = {"distribution": "Ubuntu", "distribution_version": "22.04"}
    assert "glslc" in problems(preflight.distribution, **ubuntu, backend="vulkan")
    assert problems(preflight.distribution, **ubuntu) == ""


def test_an_old_python_cannot_patch(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(preflight.patching) == ""
    monkeypatch.setattr(preflight, "PATCHING_PYTHON", (4, 1))
    assert "the mmvq patch needs 4.1" in problems(preflight.patching)
    assert problems(preflight.patching, patched=False) == ""


def test_rocblas_must_know_the_card(preflight: ModuleType, tmp_path: Path) -> None:
    assert problems(preflight.rocblas, backend="cpu") == ""
    wish = {"hip_root": str(tmp_path), "gpu_targets": ["gfx906:xnack-", "gfx1100"]}
    assert "No ROCm with rocBLAS was found" in problems(preflight.rocblas, **wish)
    library = tmp_path / "lib/rocblas/library"
    library.mkdir(parents=True)
    for name in ("TensileLibrary_lazy_gfx1100.dat", "Kernels.so-000-gfx90a-xnack+.hsaco"):
        (library / name).touch()
    assert "no kernels for gfx906; it has them for gfx1100, gfx90a" in problems(preflight.rocblas, **wish)
    (library / "Kernels.so-000-gfx906-xnack-.hsaco").touch()
    assert problems(preflight.rocblas, **wish) == ""


def test_little_memory_is_refused(preflight: ModuleType) -> None:
    assert "memory_mib" in problems(preflight.memory, memory_mib=1024)


PLACES = {"work_directory": "/no/such/work", "models_directory": "/no/such/models"}


def test_a_full_disk_says_how_much_is_missing(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "free_mib", lambda _directory: 3000)
    found = problems(preflight.space, **PLACES)
    assert "a hip build (4000 MiB) take 4000 MiB" in found
    assert "rootfs +1000M" in found
    assert problems(preflight.space, **PLACES, needed_mib=0) == ""


def test_what_shares_a_disk_is_added_up(preflight: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "free_mib", lambda _directory: 40000)
    monkeypatch.setattr(preflight, "size_bytes", lambda _url: 38 << 30)
    model = {**MODEL, "file": str(tmp_path / "one.gguf")}
    assert problems(preflight.model_files, models=[model]) == ""
    assert "still to be fetched (39424 MiB) take 43424 MiB" in problems(preflight.space, models=[model], **PLACES)
    with (tmp_path / "one.gguf.partial").open("wb") as partial:
        partial.truncate(30 << 30)
    assert problems(preflight.model_files, models=[model]) == ""
    assert problems(preflight.space, models=[model], **PLACES) == ""


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[str]:
    """What a repository tells about its tags, in the words of `git upload-pack`: an annotated tag has a second line."""
    (tmp_path / "info").mkdir()
    lines = f"003d{'a' * 40} refs/tags/b1\n0046{'b' * 40} refs/tags/b10\n0049{'c' * 40} refs/tags/b10^{{}}\n0000"
    (tmp_path / "info" / "refs").write_text(f"001e# service=git-upload-pack\n0000{lines}")
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://user:secret@127.0.0.1:{server.server_port}/"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        pass


@pytest.mark.parametrize(
    ("tag", "commit", "found"),
    [
        ("b1", "a" * 40, ""),
        ("b10", "c" * 40, ""),
        ("b1", "c" * 40, f"the tag b1 is commit {'a' * 40}, and llama_cpp_commit is ccc"),
        ("b2", "a" * 40, "has no tag b2"),
    ],
)
def test_the_commit_of_a_tag_is_known_without_git(
    preflight: ModuleType, git_server: str, tag: str, commit: str, found: str
) -> None:
    said = problems(preflight.source, source={"kind": "git", "url": git_server, "tag": tag, "commit": commit})
    assert found in said
    assert bool(found) == bool(said)
    assert "secret" not in said


def test_a_source_that_does_not_answer_is_named(preflight: ModuleType, git_server: str) -> None:
    archive = {"kind": "archive", "file": "/no/such/file"}
    absent = problems(preflight.source, source={**archive, "url": f"{git_server}none.tar.gz?token=secret"})
    assert "none.tar.gz cannot be fetched from this guest: the server answers 404" in absent
    nobody = problems(preflight.source, source={"kind": "git", "url": "http://a:se/cret@127.0.0.1:1/", "tag": "b1"})
    assert "cannot be read from this guest" in nobody
    assert "cret" not in absent + nobody
    assert problems(preflight.source, source={**archive, "url": f"{git_server}info/refs"}) == ""
    assert problems(preflight.source, source={}) == ""


def test_a_model_that_cannot_be_fetched_is_named(preflight: ModuleType, tmp_path: Path) -> None:
    model = {
        **MODEL,
        "url": "ftp://user:secret@mirror.invalid/one.gguf?token=secret",
        "file": str(tmp_path / "one.gguf"),
    }
    found = problems(preflight.model_files, models=[model], models_directory="/")
    assert "ftp://mirror.invalid/one.gguf cannot be fetched" in found
    assert "only http and https addresses" in found
    assert "secret" not in found


def test_a_local_model_must_exist(preflight: ModuleType, tmp_path: Path) -> None:
    model = {**MODEL, "url": "", "path": str(tmp_path / "absent.gguf")}
    assert "not a file in this guest" in problems(preflight.model_files, models=[model], models_directory="/")


def test_free_space_of_a_directory_to_come_is_that_of_its_parent(preflight: ModuleType, tmp_path: Path) -> None:
    assert preflight.free_mib(str(tmp_path / "a" / "b")) == pytest.approx(preflight.free_mib(str(tmp_path)), abs=64)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rocmox_lab.vm import serve

LATER = "Fri, 31 Dec 2100 23:59:59 GMT"


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/debian/pve/dists/bookworm/InRelease", "stages/b/dists/bookworm/InRelease"),
        ("/debian/pve/pool/x%2by.deb", "debian/pve/pool/x+y.deb"),
        ("/rocm/rocm.gpg.key?x=1", "rocm/rocm.gpg.key"),
        ("/../../etc/passwd", "etc/passwd"),
        ("/debian/pve/dists/../../../../secrets", "secrets"),
    ],
)
def test_what_a_path_means(path: str, served: str) -> None:
    assert serve.served_path(path, "b") == served


def test_two_requests_on_one_connection(tmp_path: Path) -> None:
    place = tmp_path / "www" / "stages" / "c" / "dists"
    place.mkdir(parents=True)
    (place / "InRelease").write_text("stage c\n")
    (tmp_path / "stage").write_text("c\n")
    asked = (
        f"GET /debian/pve/dists/InRelease HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: {LATER}\r\n\r\n"
        "GET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ).encode()
    argv = [sys.executable, "-I", "-S", str(serve.__file__), str(tmp_path / "www"), str(tmp_path / "stage")]
    answered = subprocess.run(argv, input=asked, capture_output=True, check=True, timeout=30).stdout
    assert answered.startswith(b"HTTP/1.1 200")
    assert b"stage c\n" in answered
    assert b"HTTP/1.1 404" in answered

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox_lab import mirror
from rocmox_lab.mirror import ensure_mirror
from rocmox_lab.mirror_content import MirrorContent, SourceArchive, load_content, parse_content
from rocmox_lab.package_index import PipSettings, file_url
from rocmox_lab.progress import Progress
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

HTML = '<a href="../../files/one-1.0.tar.gz#sha256=aa">one-1.0.tar.gz</a><a href="/x/two%2Bcpu-1.whl">two</a><a>no</a>'
BODY = b"an archive"


def test_html_pages_give_absolute_urls() -> None:
    page = {"page_url": "https://index.example/simple/one/", "content_type": "text/html"}
    assert file_url(HTML, filename="one-1.0.tar.gz", **page) == ("https://index.example/files/one-1.0.tar.gz#sha256=aa")
    assert file_url(HTML, filename="two+cpu-1.whl", **page) == "https://index.example/x/two%2Bcpu-1.whl"
    assert file_url(HTML, filename="three.whl", **page) is None


def test_json_pages_give_absolute_urls() -> None:
    text = '{"files": [{"filename": "one-1.0.tar.gz", "url": "../files/1"}]}'
    page = {"page_url": "https://index.example/simple/one/", "content_type": "application/vnd.pypi.simple.v1+json"}
    assert file_url(text, filename="one-1.0.tar.gz", **page) == "https://index.example/simple/files/1"
    assert file_url(text, filename="other.tar.gz", **page) is None


class _Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = BODY if self.path.startswith("/files/") else HTML.encode()
        self.send_response(200 if "/one" in self.path else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Index) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/simple"
        settings = PipSettings(indexes=("file:///nowhere", url), ca_file=None, proxy=None)
        monkeypatch.setattr(mirror, "read_pip_settings", lambda _: settings)
        yield url
        server.shutdown()
        thread.join()


def wanted(sha256: str, project: str = "one") -> MirrorContent:
    archive = SourceArchive(project=project, filename="one-1.0.tar.gz", sha256=sha256)
    return MirrorContent(archives=(archive,), wheelhouses=())


@pytest.mark.usefixtures("index")
def test_an_archive_is_fetched_verified_and_kept(tmp_path: Path) -> None:
    content = wanted(hashlib.sha256(BODY).hexdigest())
    ensure_mirror(ScriptedMachine(), tmp_path, Progress(), content)
    target = tmp_path / "mirror" / "sources" / "one-1.0.tar.gz"
    assert target.read_bytes() == BODY
    before = target.stat().st_mtime_ns
    ensure_mirror(ScriptedMachine(), tmp_path, Progress(), content)
    assert target.stat().st_mtime_ns == before


@pytest.mark.usefixtures("index")
def test_an_archive_with_another_checksum_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match="SHA-256 is"):
        ensure_mirror(ScriptedMachine(), tmp_path, Progress(), wanted("0" * 64))
    assert not list((tmp_path / "mirror" / "sources").iterdir())


@pytest.mark.usefixtures("index")
def test_a_project_that_no_index_knows_names_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match=r"simple/unknown/: 404"):
        ensure_mirror(ScriptedMachine(), tmp_path, Progress(), wanted("0" * 64, project="unknown"))


def test_a_file_that_was_put_there_by_hand_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "read_pip_settings", lambda _: PipSettings(indexes=(), ca_file=None, proxy=None))
    sources = tmp_path / "mirror" / "sources"
    sources.mkdir(parents=True)
    (sources / "one-1.0.tar.gz").write_bytes(BODY)
    ensure_mirror(ScriptedMachine(), tmp_path, Progress(), wanted(hashlib.sha256(BODY).hexdigest()))
    assert (sources / ".one-1.0.tar.gz.sha256").exists()


def test_the_data_file_is_whole_and_its_requirements_exist() -> None:
    repository = Path(mirror.rocmox.__file__).parents[2]
    content = load_content()
    assert content.wheelhouses
    assert all((repository / name).is_file() for house in content.wheelhouses for name in house.requirements)
    assert all(len(archive.sha256) == 64 for archive in content.archives)


def test_a_wheelhouse_is_stale_when_its_requirements_change(tmp_path: Path) -> None:
    text = '[[wheelhouse]]\nname = "w"\npython = "3.11"\nrequirements = ["r.txt"]\n'
    house = parse_content(text).wheelhouses[0]
    (tmp_path / "r.txt").write_text("one==1\n")
    before = house.stamp(tmp_path)
    (tmp_path / "r.txt").write_text("one==2\n")
    assert house.stamp(tmp_path) != before
    assert parse_content(text + 'torch = "2.0+cpu"\n').wheelhouses[0].stamp(tmp_path) != house.stamp(tmp_path)

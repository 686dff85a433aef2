import hashlib
import json
from pathlib import Path

from rocmox_lab.template_index import template_index


def test_names_each_template_with_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "debian-12-standard_12.12-1_amd64.tar.zst").write_bytes(b"root file system")
    (tmp_path / ".debian-12-standard_12.12-1_amd64.key").write_text("not a template")
    assert json.loads(template_index(tmp_path)) == [
        {
            "template": "debian-12-standard_12.12-1_amd64.tar.zst",
            "os": "debian-12",
            "section": "system",
            "version": "12.12-1",
            "sha512sum": hashlib.sha512(b"root file system").hexdigest(),
        }
    ]

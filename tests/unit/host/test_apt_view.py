import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from rocmox.host.packages.apt_view import write_settings


def test_a_proxys_password_lies_in_a_file_of_roots_alone(tmp_path: Path) -> None:
    first = write_settings(tmp_path, {"Acquire::http::Proxy": "http://me:secret@proxy:3128"})
    holds = [path for path in tmp_path.iterdir() if "secret" in path.read_text()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in holds] == [0o600]
    assert "secret" not in first.read_text()


@pytest.mark.skipif(not shutil.which("apt-config"), reason="apt-config is Debian's")
def test_ours_is_the_last_word_and_the_nodes_own_stays(tmp_path: Path) -> None:
    parts = tmp_path / "apt.conf.d"
    parts.mkdir()
    (parts / "00proxy").write_text('Acquire::http::Proxy "http://old:3128";\nAcquire::Queue-Mode "access";\n')
    main = tmp_path / "apt.conf"
    main.write_text('Acquire::http::Proxy "http://older:3128";\nAPT::Install-Recommends "false";\n')
    first = write_settings(tmp_path, {"Acquire::http::Proxy": "http://new:3128"}, main=main)
    first.write_text(f'Dir::Etc::parts "{parts}";\n{first.read_text()}')
    said = subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=True, env={"APT_CONFIG": str(first)}
    ).stdout
    assert 'Acquire::http::Proxy "http://new:3128";' in said
    assert 'Acquire::Queue-Mode "access";' in said
    assert 'APT::Install-Recommends "false";' in said

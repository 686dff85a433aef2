from pathlib import Path

from rocmox_lab.pve.runtime import node_files


def test_hooks_are_written_once_and_executable(tmp_path: Path) -> None:
    node_files.ensure(tmp_path)
    hook = tmp_path / "usr/share/lxc/hooks/lxc-pve-prestart-hook"
    assert hook.stat().st_mode & 0o111
    assert "rocmox_lab.pve.runtime.hook pre-start" in hook.read_text()
    before = hook.stat().st_ino
    node_files.ensure(tmp_path)
    assert hook.stat().st_ino == before


def test_a_changed_hook_is_mended(tmp_path: Path) -> None:
    node_files.ensure(tmp_path)
    config = tmp_path / "usr/share/lxc/config/common.conf.d/01-pve.conf"
    config.write_text("")
    node_files.ensure(tmp_path)
    assert "lxc.hook.autodev = /usr/share/lxc/hooks/lxc-pve-autodev-hook" in config.read_text()

from pathlib import Path

from rocmox_lab.pve.runtime.setup import guest_root, password


def test_a_section_goes_first_and_is_exchanged() -> None:
    once = guest_root.with_section("127.0.0.2 own\n", "127.0.0.1 a\n")
    assert once == "# --- BEGIN PVE ---\n127.0.0.1 a\n# --- END PVE ---\n127.0.0.2 own\n"
    assert guest_root.with_section(once, "127.0.0.1 b\n") == once.replace("1 a", "1 b")


def test_a_file_without_section_may_be_replaced() -> None:
    assert "old" not in guest_root.with_section("nameserver old\n", "nameserver new\n", replace=True)


def test_writing_replaces_links_and_respects_the_guests_wish(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").symlink_to("/run/elsewhere")
    guest_root.write(str(tmp_path / "resolv.conf"), "x\n")
    assert not (tmp_path / "resolv.conf").is_symlink()
    (tmp_path / ".pve-ignore.hosts").touch()
    guest_root.write(str(tmp_path / "hosts"), "x\n")
    assert not (tmp_path / "hosts").exists()


def test_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    assert guest_root.read(str(tmp_path / "none")) == ""


def test_passwords() -> None:
    assert password.encrypt(None) == "*"
    assert password.encrypt("secret").startswith("$6$")
    shadow = "root:*:1:0:99999:7:::\ndaemon:*:1:0:99999:7:::\n"
    assert password.in_shadow(shadow, "$6$x", 86400 * 9) == shadow.replace("root:*:1:", "root:$6$x:9:")

"""How pve_lxc builds its commands and reads what comes back; a shell and a stand-in for lxc-attach check quoting."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

PLUGIN = Path(__file__).parents[3] / "plugins" / "connection" / "pve_lxc.py"
ENVIRONMENT = {"HOME": "/root", "LANG": "C.UTF-8"}
MARK = "pve_lxc-0123456789abcdef"
# Leaves -n 7 --clear-env -v … -- aside and runs the rest, as lxc-attach does in the container.
STAND_IN = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pve_lxc", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pve_lxc = load()


def connection(**variables: Any) -> Any:
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    connection_loader.add_directory(str(PLUGIN.parent))
    made = connection_loader.get("pve_lxc", PlayContext(), task_uuid="test", ansible_playbook_pid="1")
    settings = {"ansible_host": "pve1.example", "proxmox_vmid": 101, "ansible_user": "root", **variables}
    made.set_options(var_options=settings)
    return made


def on_a_node(tmp_path: Path, script: str, state: str = "RUNNING") -> subprocess.CompletedProcess[bytes]:
    for name, text in {"lxc-attach": STAND_IN, "lxc-info": f"#!/bin/sh\necho {state}\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    return subprocess.run(["sh", "-c", script], env={"PATH": path}, input=b"input\n", capture_output=True, check=False)


@pytest.mark.parametrize("word", ["'", '"', "a b", "$x `x` \\ * ; & | < > ( )", "two\nlines", "显卡", "-n", ""])
def test_every_word_survives_the_shells_on_the_way(tmp_path: Path, word: str) -> None:
    command = f"printf '[%s]' {pve_lxc.shlex.quote(word)}"
    guest = pve_lxc.guest_command(7, command, ENVIRONMENT, MARK)
    done = on_a_node(tmp_path, pve_lxc.node_script(7, guest, MARK, sudo="", stdin=True))
    assert done.stdout == f"[{word}]".encode()
    assert pve_lxc.read_outcome(done.stderr, MARK) == (True, 0, "RUNNING", (), b"")


@pytest.mark.parametrize("status", [1, 126, 127, 255])
def test_the_status_travels_beside_sshs_own(tmp_path: Path, status: int) -> None:
    guest = pve_lxc.guest_command(7, f"echo oh >&2; exit {status}", ENVIRONMENT, MARK)
    done = on_a_node(tmp_path, pve_lxc.node_script(7, guest, MARK, sudo="", stdin=False))
    assert done.returncode == 0
    outcome = pve_lxc.read_outcome(done.stderr, MARK)
    assert (outcome.started, outcome.status, outcome.state, outcome.stderr) == (True, status, "RUNNING", b"oh\n")


def test_stdin_is_closed_unless_wanted(tmp_path: Path) -> None:
    guest = pve_lxc.guest_command(7, "cat", ENVIRONMENT, MARK)
    assert on_a_node(tmp_path, pve_lxc.node_script(7, guest, MARK, sudo="", stdin=True)).stdout == b"input\n"
    assert on_a_node(tmp_path, pve_lxc.node_script(7, guest, MARK, sudo="", stdin=False)).stdout == b""


def test_only_lxc_commands_run_under_sudo() -> None:
    script = pve_lxc.node_script(7, "lxc-attach -n 7 -- true", MARK, sudo="sudo -n", stdin=True)
    assert script.startswith("""s=; [ "$(id -u)" = 0 ] || s='sudo -n'\n$s lxc-attach -n 7""")
    assert "$s lxc-info -n 7" in script


def test_without_the_marks_nothing_is_known() -> None:
    assert pve_lxc.read_outcome(b"Connection closed\n", MARK) == (False, None, "", (), b"Connection closed\n")


def test_words_after_the_status_line_stay() -> None:
    stderr = f"{MARK}\nbefore\n{MARK} 3 RUNNING /etc/pve/lxc/7.conf\nafter".encode()
    assert pve_lxc.read_outcome(stderr, MARK) == (True, 3, "RUNNING", ("/etc/pve/lxc/7.conf",), b"beforeafter")


@pytest.mark.parametrize(
    ("started", "state", "found_at", "stderr", "message", "remedy"),
    [
        (False, "STOPPED", ("/etc/pve/lxc/7.conf",), "Failed to get init pid", "not running on pve1", "pct start 7"),
        (True, "STOPPED", ("/etc/pve/lxc/7.conf",), "", "was stopped while", "pct start 7"),
        (False, "-", (), "Failed to get init pid", "container 7 does not exist on pve1", "pct list"),
        (False, "STOPPED", ("/etc/pve/nodes/b/qemu-server/7.conf",), "x", "virtual machine", "proxmox_vmid"),
        (False, "-", ("/etc/pve/nodes/b/lxc/7.conf",), "no", "cannot be entered", "/etc/pve/nodes/b/lxc/7.conf"),
        (False, "-", ("/etc/pve/lxc/7.conf",), "sudo: a password is required", "may not run lxc-attach", "NOPASSWD"),
        (False, None, (), "no shell", "did not run the command", "log in there"),
    ],
)
def test_an_error_says_what_where_why_and_what_now(  # noqa: PLR0917 - one row of the table
    started: bool,  # noqa: FBT001
    state: str,
    found_at: tuple[str, ...],
    stderr: str,
    message: str,
    remedy: str,
) -> None:
    outcome = pve_lxc.Outcome(started, None if "no shell" in stderr else 1, state, found_at, stderr.encode())
    what, _, now = pve_lxc.explain(outcome, 7, "pve1").partition("\nHINT: ")
    assert message in what
    assert remedy in now


def test_the_ssh_plugins_options_are_this_plugins_options() -> None:
    options = yaml.safe_load(pve_lxc.DOCUMENTATION)["options"]
    assert set(yaml.safe_load(pve_lxc.ssh.DOCUMENTATION)["options"]) < set(options)
    assert options["vmid"]["vars"] == [{"name": "proxmox_vmid"}]


def test_root_in_the_guest_whoever_on_the_node() -> None:
    made = connection(ansible_user="operator", ansible_port=2222)
    words = made._command("true", stdin=False)[0]
    assert made.get_option("remote_user") == "root"
    assert b'User="operator"' in words
    assert b"Port=2222" in words
    assert b"ServerAliveInterval=10" in words
    assert words[-1].startswith(b"s=; ")


def test_one_control_path_for_a_node_and_another_for_another() -> None:
    def path(**variables: Any) -> bytes:
        words = connection(**variables)._command("true", stdin=False)[0]
        return next(word for word in words if word.startswith(b"ControlPath"))

    assert path(proxmox_vmid=101) == path(proxmox_vmid=102)
    others = [{"ansible_host": "pve2.example"}, {"ansible_user": "x"}, {"ansible_ssh_common_args": "-o HostKeyAlias=b"}]
    assert len({path(), *(path(**other) for other in others)}) == 4


def test_a_command_beyond_linuxs_limit_is_refused() -> None:
    with pytest.raises(AnsibleError, match="131071 in one argument"):
        connection().exec_command("x" * 131_072)


def test_sshs_own_failure_names_the_node_and_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    made = connection()

    def fail(*_: Any, **__: Any) -> None:
        raise AnsibleConnectionFailure("Failed to connect to the host via ssh: no route")

    monkeypatch.setattr(made, "_run", fail)
    with pytest.raises(
        AnsibleConnectionFailure, match=r"node of container 101 on pve1\.example does not answer: .*no route"
    ):
        made.exec_command("true")

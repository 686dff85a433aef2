"""Ansible enters an LXC container through its Proxmox VE node: one multiplexed SSH connection and `lxc-attach`."""

from __future__ import annotations

DOCUMENTATION = """
name: pve_lxc
short_description: enter an LXC container through its Proxmox VE node
description:
  - Runs commands and moves files with C(lxc-attach) on the node, over Ansible's own C(ssh) plugin (ControlPersist, host
    keys verified). Guests need neither sshd nor a route from the controller.
  - Every option of the C(ssh) plugin applies to the way to the node. Inside the guest one is root.
  - The variables are those of C(community.proxmox.proxmox_pct_remote), so that either plugin serves by changing
    C(ansible_connection) alone. C(pct exec) spends 0.4 s in Perl for each command, C(lxc-attach) 6 ms.
author: rocmox
extends_documentation_fragment:
  - connection_pipelining
options:
  vmid:
    description: Number of the container on its node.
    type: int
    required: true
    vars:
      - name: proxmox_vmid
  pve_lxc_sudo:
    description: Put before C(lxc-attach) and C(lxc-info) on the node when the SSH user is not root there.
    type: str
    default: sudo -n
    vars:
      - name: pve_lxc_sudo
  pve_lxc_environment:
    description: The environment that a command in the guest starts with; nothing of the node's leaks in.
    type: dict
    default:
      HOME: /root
      LANG: C.UTF-8
      LOGNAME: root
      PATH: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
      TERM: dumb
      USER: root
    vars:
      - name: pve_lxc_environment
  pve_lxc_alive_interval:
    description: Seconds between signs of life asked of the node; three unanswered ones end the connection.
    type: int
    default: 10
    vars:
      - name: pve_lxc_alive_interval
"""

import hashlib
import os
import re
import secrets
import shlex
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import IO, Any, NamedTuple

import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ssh
from ansible.utils.display import Display

# The options of the ssh plugin follow the ones above, in its own words and at its own version. The loader reads the
# variable; `ansible-doc` reads the literal.
DOCUMENTATION += textwrap.indent(yaml.safe_dump(yaml.safe_load(ssh.DOCUMENTATION)["options"]), "  ")

display = Display()
COMMAND_LIMIT_BYTES = 131_071  # MAX_ARG_STRLEN of Linux (include/uapi/linux/binfmts.h), less the closing NUL


class Outcome(NamedTuple):
    """What the node reports after a command: did it start in the guest, how did it end, what of the container."""

    started: bool
    status: int | None
    state: str
    found_at: tuple[str, ...]
    stderr: bytes


def guest_command(vmid: int, command: str, environment: dict[str, str], mark: str) -> str:
    """`lxc-attach` as `pct exec` calls it, with an environment of its own; says `mark` once it is in the guest."""
    script = f"cd 2>/dev/null; printf '%s\\n' {mark} >&2\n{command}"
    settings = [word for name, value in environment.items() for word in ("-v", f"{name}={value}")]
    return shlex.join(["lxc-attach", "-n", str(vmid), "--clear-env", *settings, "--", "/bin/sh", "-c", script])


def node_script(vmid: int, guest: str, mark: str, *, sudo: str, stdin: bool) -> str:
    """What the node's shell runs: the command, then one line on stderr with its status and, if bad, the reason.

    ssh ends with 255 for a failure of its own; the status of the command therefore travels in that line, exactly.
    """
    prefix = "$s " if sudo else ""
    lines = [f"""s=; [ "$(id -u)" = 0 ] || s={shlex.quote(sudo)}"""] if sudo else []
    places = f"/etc/pve/nodes/*/*/{vmid}.conf /etc/pve/lxc/{vmid}.conf /var/lib/lxc/{vmid}/config"
    lines += [
        f"{prefix}{guest}{'' if stdin else ' </dev/null'}",
        "r=$?; w=",
        "[ $r != 137 ] || sleep 0.5  # killed: LXC takes a moment to know that the container is gone",
        f"if [ $r != 0 ]; then w=$({prefix}lxc-info -n {vmid} -sH 2>/dev/null); w=${{w:--}}",
        f'for f in {places}; do [ -e "$f" ] && w="$w $f"; done; fi',
        f"""printf '\\n%s %s %s\\n' {mark} $r "$w" >&2; exit 0""",
    ]
    return "\n".join(lines)


def read_outcome(stderr: bytes, mark: str) -> Outcome:
    """Take the two lines of `node_script` and `guest_command` out of what came on stderr."""
    sign = re.escape(mark.encode())
    clean, started = re.subn(rb"(?m)^" + sign + rb"\r?\n", b"", stderr, count=1)
    end = re.search(rb"\n?" + sign + rb" (\d+) ([^\n]*)\n", clean)
    if not end:
        return Outcome(bool(started), None, "", (), clean)
    words = end[2].decode().split()
    clean = clean[: end.start()] + clean[end.end() :]
    return Outcome(bool(started), int(end[1]), words[0] if words else "RUNNING", tuple(words[1:]), clean)


def explain(outcome: Outcome, vmid: int, node: str) -> str:
    """Why a command did not start in the guest, or did not end there: what, where, why, what now."""
    said = outcome.stderr.decode(errors="replace").strip()
    elsewhere = [path for path in outcome.found_at if path.startswith("/etc/pve/nodes/")]
    if outcome.status is None:
        return (
            f"{node} did not run the command for container {vmid}: {said or 'no word'}\nHINT: log in there and try it"
        )
    if any("/qemu-server/" in path for path in outcome.found_at):
        return f"{vmid} on {node} is a virtual machine, not a container: it has no lxc-attach\nHINT: check proxmox_vmid"
    if outcome.state == "STOPPED" and (outcome.found_at or not said.endswith("doesn't exist")):
        when = "was stopped while a command ran in it" if outcome.started else "is not running"
        return f"container {vmid} {when} on {node}\nHINT: start it there with `pct start {vmid}`"
    if re.search(r"sudo: |not allowed to execute|command not found|: not found", said) and not outcome.started:
        return (
            f"the SSH user may not run lxc-attach on {node} for container {vmid}: {said}\nHINT: log in as root, or "
            "allow that user `NOPASSWD: /usr/bin/lxc-attach, /usr/bin/lxc-info` in /etc/sudoers.d (this makes it root)"
        )
    if not outcome.found_at:
        return f"container {vmid} does not exist on {node}: {said}\nHINT: see `pct list` there; check proxmox_vmid"
    hint = f"its configuration is {', '.join(elsewhere or outcome.found_at)}; see `pct status {vmid}` there"
    return f"container {vmid} on {node} ({outcome.state}) cannot be entered: {said}\nHINT: {hint}"


class Connection(ssh.Connection):
    """The ssh plugin to the node, and one step further into the container."""

    transport = "pve_lxc"
    has_tty = False  # a terminal on the way would mix stdout with stderr and change the bytes
    _asks_for_node = False

    def get_option(self, option: str, hostvars: dict[str, Any] | None = None) -> Any:
        """In the guest one is root, whoever one is on the node: `~` and `become` mean the guest's users."""
        if option == "remote_user" and not self._asks_for_node:
            return "root"
        return super().get_option(option, hostvars)

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:  # noqa: FBT001, FBT002 - Ansible's signature
        """Run a shell command in the guest: its exact exit status, stdout, stderr."""
        prompts = bool(sudoable and self.become and self.become.expect_prompt())
        arguments, mark = self._command(cmd, stdin=bool(in_data) or prompts)
        try:
            _, out, err = self._run(arguments, in_data, sudoable=sudoable)
        except AnsibleConnectionFailure as failure:
            raise self._unreachable(failure) from failure
        status, stderr = self._settle(err, mark)
        return status, out, stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Stream a file into the guest; it appears under its name once it is whole, or not at all."""
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"there is no file {in_path} on the controller to send to {self._guest()}")
        target = shlex.quote(out_path)
        with Path(in_path).open("rb") as source, tempfile.TemporaryFile() as nothing:
            size = os.fstat(source.fileno()).st_size
            script = (
                f'trap "" HUP PIPE; t=$(mktemp -- {target}.XXXXXXXX) && trap \'rm -f -- "$t"\' EXIT && cat > "$t" && '
                f'if [ "$(wc -c < "$t")" -ne {size} ]; then echo incomplete >&2; exit 1; fi && '
                f'if [ -e {target} ]; then for c in chown chmod; do $c --reference={target} -- "$t"; done; fi && '
                f'mv -fT -- "$t" {target}'
            )
            self._move(script, source, nothing, f"{in_path} could not be sent to {out_path} in")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Stream a file out of the guest; it appears under its name once it is whole, or not at all."""
        target = Path(out_path)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with partial.open("xb") as sink, Path(os.devnull).open("rb") as nothing:
                self._move(f"cat -- {shlex.quote(in_path)}", nothing, sink, f"{in_path} could not be fetched from")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _move(self, script: str, source: IO[bytes], sink: IO[bytes], what: str) -> None:
        arguments, mark = self._command(script, stdin=True)
        try:
            _, _, err = self._stream(arguments, source, sink)
        except AnsibleConnectionFailure as failure:
            raise self._unreachable(failure) from failure
        status, stderr = self._settle(err, mark)
        if status:
            raise AnsibleError(f"{what} {self._guest()}: {stderr.decode(errors='replace').strip()}")

    @ssh._ssh_retry  # noqa: SLF001 - retries and passwords are the ssh plugin's, file transfer included
    @ssh._clean_shm  # noqa: SLF001 - as above: the ssh plugin's own hygiene of shared memory
    def _stream(self, arguments: list[bytes], source: IO[bytes], sink: IO[bytes]) -> tuple[int, bytes, bytes]:
        """Let ssh read and write the files itself, whatever their size.

        The first connection of a ControlPersist goes on in the background with stderr open, hence a file for that.
        """
        for file in (source, sink):
            os.lseek(file.fileno(), 0, os.SEEK_SET)  # a retry begins anew
        sink.truncate(0)
        passing = self.sshpass_pipe or ()
        with tempfile.TemporaryFile() as words:
            process = subprocess.Popen(
                arguments, stdin=source, stdout=sink, stderr=words, pass_fds=passing, **self._init_shm()
            )
            if passing:
                os.write(passing[1], super().get_option("password").encode() + b"\n")
                for descriptor in passing:
                    os.close(descriptor)
            process.wait()
            words.seek(0)
            return process.returncode, b"", words.read()

    def _command(self, cmd: str, *, stdin: bool) -> tuple[list[bytes], str]:
        """The ssh command line that runs `cmd` in the guest, and the mark it leaves on stderr."""
        self.host = self.get_option("host") or self._play_context.remote_addr
        mark = f"pve_lxc-{secrets.token_hex(8)}"
        vmid = self.get_option("vmid")
        sudo = "" if super().get_option("remote_user") == "root" else self.get_option("pve_lxc_sudo")
        guest = guest_command(vmid, cmd, self.get_option("pve_lxc_environment"), mark)
        script = node_script(vmid, guest, mark, sudo=sudo, stdin=stdin)
        if (size := len(script.encode(errors="surrogateescape"))) > COMMAND_LIMIT_BYTES:
            raise AnsibleError(
                f"a command for {self._guest()} takes {size} bytes; Linux takes {COMMAND_LIMIT_BYTES} in one argument\n"
                "HINT: send the long part as a file (ansible.builtin.copy) or on stdin"
            )
        display.vvv(f"LXC-ATTACH {vmid}: {cmd}", host=self.host)
        return self._build_command(self.get_option("ssh_executable"), "ssh", "-T", self.host, script), mark

    def _build_command(self, binary: str, subsystem: str, *other_args: bytes | str) -> list[bytes]:
        """Add signs of life to what the user's settings say (the first value counts for ssh: theirs)."""
        alive = f"ServerAliveInterval={self.get_option('pve_lxc_alive_interval')}"
        self._asks_for_node = True
        try:
            command: list[bytes] = super()._build_command(
                binary, subsystem, "-o", alive, "-o", "ServerAliveCountMax=3", *other_args
            )
            return command
        finally:
            self._asks_for_node = False

    def _create_control_path(self, host: str | None, port: int | None, user: str | None) -> str:
        """One socket for all guests of a node: its name holds what tells one node, or one lab, from another."""
        identity = [host, port, user, *(self.get_option(name) for name in ("private_key_file", "ssh_common_args"))]
        return f"%(directory)s/{hashlib.sha256(repr(identity).encode()).hexdigest()[:10]}"

    def _settle(self, stderr: bytes, mark: str) -> tuple[int, bytes]:
        """Exit status and stderr of the command; AnsibleConnectionFailure when it did not run to its end."""
        outcome = read_outcome(stderr, mark)
        if not outcome.started or outcome.status is None or outcome.state == "STOPPED":
            raise AnsibleConnectionFailure(explain(outcome, self.get_option("vmid"), str(self.host)))
        return outcome.status, outcome.stderr

    def _unreachable(self, failure: AnsibleConnectionFailure) -> AnsibleConnectionFailure:
        return type(failure)(
            f"the node of {self._guest()} does not answer: {failure.message}\nHINT: `ssh {self.host}` must work "
            "from here with the same user, key and known host key; then see `pct status` there"
        )

    def _guest(self) -> str:
        return f"container {self.get_option('vmid')} on {self.host}"

"""Reading and writing files of a guest's root file system from within it.

The guest owns this tree and may have put links anywhere, so the work is done by a child that has changed its root to
the tree and given up the node's root for the guest's (`PVE::LXC::Setup::protected_call`).
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path

from rocmox.files import write_whole
from rocmox_lab.pve.runtime.id_map import IdMap
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

_BEGIN, _END = "# --- BEGIN PVE ---\n", "# --- END PVE ---\n"
_SECTION = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)


def run_inside(root: str, id_map: IdMap, work: Callable[[], None]) -> None:
    """Call `work` in a child that lives in `root` as the guest's root user; RuntimeFailedError with its reason."""
    report, report_end = os.pipe()
    child = os.fork()
    if child == 0:
        _child(root, id_map, work, report_end)
    os.close(report_end)
    with os.fdopen(report, encoding="utf-8", errors="replace") as lines:
        reason = lines.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeFailedError(f"error in setup task: {reason.strip() or f'child ended with status {status}'}")


def _child(root: str, id_map: IdMap, work: Callable[[], None], report: int) -> None:
    try:
        os.chroot(root)
        os.chdir("/")
        os.setgroups([])
        group, user = id_map.node_gid(0), id_map.node_uid(0)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        os.umask(0o022)
        work()
    except BaseException as error:  # noqa: BLE001 - the parent raises it again
        os.write(
            report, f"{error or type(error).__name__} ({traceback.extract_tb(error.__traceback__)[-1].name})".encode()
        )
        os._exit(1)
    os._exit(0)


def read(path: str) -> str:
    """A file's text; empty when it does not exist."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Replace a file (a link included) whole, unless the guest asks for it to be left alone by `.pve-ignore.NAME`."""
    target = Path(path)
    if target.with_name(f".pve-ignore.{target.name}").exists():
        return
    if not target.is_symlink() and target.exists() and read(path) == text:
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_whole(target, text.encode("utf-8", "surrogateescape"), mode=mode, durable=False)


def with_section(text: str, section: str, *, replace: bool = False) -> str:
    """`text` with the part between PVE's marks exchanged; without marks it goes first, or `replace`s everything."""
    marked = f"{_BEGIN}{section}{_END}" if section else ""
    if _SECTION.search(text):
        return _SECTION.sub(lambda _: marked, text, count=1)
    return marked if replace else marked + text

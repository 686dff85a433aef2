"""Opens device nodes as another user and tells why it failed: runs alone, on any Python 3, standard library only.

The question is the first argument, in JSON: {"user": name or null, "groups": [further groups], "paths": [...]}.
Without a driver behind a node, open() answers ENXIO when the device cgroup and the file's permissions let it through,
EPERM when the device cgroup refuses, EACCES when the permissions refuse, ENOENT when there is no node.
"""

from __future__ import annotations

import errno
import grp
import json
import os
import pathlib
import pwd
import stat
import sys
from typing import Any


def become(name: str, groups: list[str]) -> None:
    """Become the user with the groups that /etc/group gives and the further ones, as a service does; for good."""
    entry = pwd.getpwnam(name)
    if os.geteuid() == entry.pw_uid and not groups:
        return
    further = [grp.getgrnam(group).gr_gid for group in groups]
    os.setgroups(sorted({*os.getgrouplist(name, entry.pw_gid), *further}))
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def try_device(path: str) -> dict[str, Any]:
    """The file's owner and mode, and the error number's name of an open for reading and writing (null: opened)."""
    unknown = dict.fromkeys(("error", "uid", "gid", "mode", "is_device", "number"))
    answer: dict[str, Any] = {"path": path, **unknown}
    try:
        status = pathlib.Path(path).stat()
        answer.update(uid=status.st_uid, gid=status.st_gid, mode=f"{stat.S_IMODE(status.st_mode):04o}")
        answer["is_device"] = stat.S_ISCHR(status.st_mode)
        answer["number"] = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        answer["error"] = errno.errorcode.get(error.errno or 0, str(error.errno))
    return answer


def group_ids() -> dict[str, int]:
    """The guest's own ids of the groups that matter for GPUs."""
    return {entry.gr_name: entry.gr_gid for entry in grp.getgrall() if entry.gr_name in {"render", "video"}}


def main(question: dict[str, Any]) -> dict[str, Any]:
    """The whole answer; a user that cannot be taken on is an answer as well."""
    name = question["user"]
    try:
        if name is not None:
            become(name, question["groups"])
    except KeyError as error:
        return {"refused": f"no such user or group is here: {error.args[0]}"}
    except PermissionError:
        return {"refused": f"user id {os.geteuid()} may not become {name}: run this as root"}
    return {
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "user_groups": sorted({*os.getgroups(), os.getegid()}),
        "group_ids": group_ids(),
        "devices": [try_device(path) for path in question["paths"]],
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

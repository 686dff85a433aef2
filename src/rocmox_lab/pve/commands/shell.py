"""What PVE's commands share: root only, tasks on the spot, options from the API's tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.api import Api
from rocmox_lab.pve.call import ROOT
from rocmox_lab.pve.commands import getopt, output
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.schema import Method
from rocmox_lab.pve.worker import InlineSpawner

FAILED = 255


class Shell:
    """One run of a command as root@pam."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.node = Node()
        self.spawner = InlineSpawner(self.node)
        self._api: Api | None = None

    @property
    def api(self) -> Api:
        """The API; loaded when a call is made."""
        if self._api is None:
            self._api = Api(self.node, self.spawner, command_line=True)
        return self._api

    def require_root(self) -> None:
        """PVE's commands run as root alone; trees of tests belong to their user."""
        if os.geteuid() != 0 and "ROCMOX_LAB_ROOT" not in os.environ:
            sys.stderr.write("please run as root\n")
            raise SystemExit(FAILED)

    def call(self, verb: str, path: str, parameters: Mapping[str, Any]) -> Any:
        """One call of the API as root@pam."""
        return self.api.call(verb, path, parameters, user=ROOT).data

    def task_failed(self) -> bool:
        """Whether the last task ended badly."""
        status = self.spawner.last_status
        return status != "OK" and not status.startswith("WARNINGS: ")


def usage_of(method: Method, given: Sequence[str]) -> str:
    """` --ostemplate <string> --vmid <integer>` for what is required and not in the path."""
    needed = [name for name, entry in sorted(method.properties.items()) if not entry.get("optional")]
    return "".join(
        f" --{name} <{method.properties[name].get('type', 'string')}>"
        for name in needed
        if name not in given and not name.endswith("[n]")
    )


def unknown_option(error: getopt.UnknownOptionError, usage: str) -> int:
    """What Getopt::Long and PVE say about an option that is none."""
    sys.stderr.write(f"{error.line}\n400 unable to parse option\n{usage}\n")
    return FAILED


def refused(error: AnswerError, usage: str) -> int:
    """Any other refusal."""
    return output.complain(error, usage)


def check_count(found: int, wanted: int) -> None:
    """PVE's 400 for too few or too many arguments."""
    if found != wanted:
        message = "not enough arguments\n" if found < wanted else "too many arguments\n"
        raise AnswerError(message, status=400)

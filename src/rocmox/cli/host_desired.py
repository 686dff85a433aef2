"""Where `rocmox host` has the desired state from: its option, standard input, or the host's own file."""

from __future__ import annotations

import argparse
import sys

from rocmox.errors import UsageError
from rocmox.host import files, places
from rocmox.host.desired import DesiredHost, parse_desired


def given_text(arguments: argparse.Namespace) -> str:
    """The option; `-` is read from standard input, so that a proxy's password is not on a command line."""
    text: str = arguments.desired
    return sys.stdin.read() if text == "-" else text


def read_stored() -> DesiredHost:
    """What the role left on the host."""
    text = files.read(places.DESIRED)
    if not text:
        raise UsageError(f"{places.DESIRED} is not there", remedy="The role amdgpu_host writes it; or give --desired.")
    return parse_desired(text)

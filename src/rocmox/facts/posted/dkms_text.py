"""What owners post of DKMS: `dkms status`, also within a comment, and what apt prints while a module is built."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.dkms import INSTALLED, DkmsModule, parse_status
from rocmox.facts.posted.terminal import plain

FAILED, BROKEN = "failed", "broken"
_STATES = frozenset({"added", "built", "installed", "built-in", FAILED, BROKEN})
_LONGEST_LINE = 400
# A wiki's "# expect: amdgpu/6.12.12-... 6.8.12-9-pve: installed", without commas and without an architecture.
_SHORTENED = re.compile(
    r"(?P<name>[\w+.-]{1,40})/(?P<version>[^,:\s]{1,60})[, ]\s*(?P<kernel>\d[^,:\s]{1,60})(?:[, ]\s*\w{3,10})?\s*"
    r":\s*(?P<state>added|built|installed|built-in)\b"
)
# dkms 2 writes "amdgpu-6.12.12-…", dkms 3 "amdgpu/6.16.13-…".
_MODULE = re.compile(
    r"(?:Loading new|Removing old|Building initial module|Autoinstall of module|Deleting module|Module) "
    r"(?P<name>[A-Za-z][\w+]{0,40}(?:-[A-Za-z][\w+]{0,20}){0,4})[-/](?P<version>\d[\w.~+-]{0,60})"
)
_KERNEL = re.compile(r"(?:for|kernel:?|for kernel) (?P<kernel>\d[\w.+-]{2,60})")
_BUILD_FAILED = re.compile(r"Bad return status for module build on kernel: (?P<kernel>\d\S{2,60})")
_LOG = re.compile(r"/var/lib/dkms/(?P<name>[\w+-]{1,60})/(?P<version>[^/\s]{1,60})/\S{0,80}?(?:make\.log|dkms\.conf)")


@dataclasses.dataclass(kw_only=True)
class _Story:
    """What has been told so far: the module and kernel that lines without either speak of."""

    found: list[DkmsModule] = dataclasses.field(default_factory=list)
    name: str = ""
    version: str = ""
    kernel: str | None = None

    def add(self, state: str, note: str) -> None:
        if self.name:
            module = DkmsModule(name=self.name, version=self.version, kernel=self.kernel, state=state, note=note)
            self.found.append(module)


def parse_dkms(text: str) -> tuple[DkmsModule, ...]:
    """Every module with its state, `failed` and `broken` among them; CannotLookError when the text names none."""
    story = _Story()
    lines = [line[:_LONGEST_LINE].lstrip("> \t") for line in plain(text).splitlines()]
    for number, line in enumerate(lines):
        stated = [module for module in parse_status(line) if module.state in _STATES]
        if stated:
            story.found += stated
        elif match := _SHORTENED.search(line):
            story.found.append(DkmsModule(**match.groupdict()))
        else:
            _follow(story, line, lines[number + 1] if number + 1 < len(lines) else "")
    if not story.found:
        raise CannotLookError("dkms: no module and its state are named")
    return tuple(story.found)


def _follow(story: _Story, line: str, following: str) -> None:
    """One line of apt's or dkms' report; `following` names the log of a failed build."""
    if match := _MODULE.search(line):
        story.name, story.version = match["name"], match["version"]
    if failed := _BUILD_FAILED.search(line):
        log = _LOG.search(following)
        if log:
            story.name, story.version = log["name"], log["version"]
        story.kernel = failed["kernel"]
        story.add(FAILED, log.group() if log else "")
    elif "dkms.conf does not exist" in line and (place := _LOG.search(line)):
        story.name, story.version, story.kernel = place["name"], place["version"], None
        story.add(BROKEN, f"{place.group()} does not exist")
    elif "DKMS: install completed" in line:
        story.add(INSTALLED, "")
    elif kernel := _KERNEL.search(line):
        story.kernel = kernel["kernel"]

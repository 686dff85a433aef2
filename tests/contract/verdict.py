"""The outcome of one recorded case, and the sum."""

from __future__ import annotations

import dataclasses

# Recorded in a set-up that was not a whole PVE (`data/pve/README.md`, "Artefacts"): why a true answer differs.
ARTEFACTS = {
    "nodes": "recorded before the node's statistics service had run (`status: unknown`)",
    "cluster_resources": "recorded before the node's statistics service had run (`status: unknown`)",
    "nodes_as_": "recorded before the node's statistics service had run (`status: unknown`)",
    "resources_as_": "recorded before the node's statistics service had run (`status: unknown`)",
    "running_set_mp0": "the recording's kernel had no AppArmor",
    "aplinfo_download_no_network": "the recording's node had no wget",
    "download_url_no_network": "the recording's node had no wget",
    "vzdump_missing": "the recording's node had no sendmail",
    "suspend": "the recording's node had no CRIU",
    "resources_running": "PVE's statistics lag behind a start",
    "pveam_available": "the recorded node had no TurnKey index",
    "aplinfo_head": "the recorded node had no TurnKey index",
    "fsck_stopped": "the pretended images hold no file system",
    "apt_versions": "the recorded node ran PVE's code without its packages",
    "network": "the bridge of a lab's node holds the node's own interface and gateway",
    "network_bridges": "the bridge of a lab's node holds the node's own interface and gateway",
    "network_get_pending": "the bridge of a lab's node holds the node's own interface and gateway",
    **dict.fromkeys(
        (
            "running_config_get3",
            "config_after_reboot",
            "pending_after_reboot",
            "config_get_dev_vanished",
            "locked_config_get",
        ),
        "mp0 was plugged where the recording's kernel could not (running_set_mp0)",
    ),
    "users": "the recorded node kept a user of an earlier file",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """`out` says why a case is out of scope; `lines` what disagrees; `words` where only the wording differs.

    `why` is the reason of a case that could not be replayed.
    """

    file: str
    case: str
    call: str
    out: str | None = None
    lines: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    why: str = ""

    @property
    def agrees(self) -> bool:
        """In scope and nothing disagrees."""
        return self.out is None and not self.lines

    @property
    def reason(self) -> str:
        """Why a case disagrees: it could not be replayed, or the recording itself is the reason."""
        if self.why:
            return self.why
        base = self.case.split(".", 1)[0]
        for name, why in ARTEFACTS.items():
            if base == name or (name.endswith("_") and base.startswith(name)):
                return why
        return ARTEFACTS.get(base.removesuffix("2"), "")


def report(verdicts: list[Verdict], *, verbose: bool = False) -> str:
    """Differences with their reasons, then the share."""
    lines = []
    for entry in verdicts:
        if entry.out is None and entry.lines:
            lines.append(f"DIFFERS {entry.file}: {entry.case}: {entry.call}")
            lines += [f"    {line}" for line in entry.lines[:6]]
            lines.append(f"    reason: {entry.reason or 'none known'}")
        elif entry.out is None and entry.words and verbose:
            lines.append(f"wording {entry.file}: {entry.case}: {'; '.join(entry.words)}")
        elif entry.out is not None and verbose:
            lines.append(f"out of scope {entry.file}: {entry.case}: {entry.out}")
    inside = [entry for entry in verdicts if entry.out is None]
    agreed = sum(entry.agrees for entry in inside)
    lines.append(f"agree {agreed} of {len(inside)} in scope, {len(verdicts) - len(inside)} out of scope")
    return "\n".join(lines)

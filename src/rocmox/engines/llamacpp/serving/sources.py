"""Where the source of a build comes from: what may be shown of its address, what stays a secret, its name in the guest.

Part of plan_role.py. A user in an address may be a password: git gets it as a header of requests to this server alone,
by its environment (git-config(1), GIT_CONFIG_COUNT), and nothing of it stands on a command line.
"""

import base64
import dataclasses
import hashlib
import re
import urllib.parse
from typing import Any

Settings = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One source; `key` names its folder in the guest, `request` is what the preflight asks the server about."""

    key: str
    directory: str
    archive_file: str
    shown_archive: str
    shown_git_url: str
    git_secrets: dict[str, str]
    request: dict[str, str]


def describe(settings: Settings) -> Source:
    """The source that the settings name."""
    is_git = settings["source"] == "git"
    identity = settings["commit"] if is_git else settings["archive_sha256"] + settings["source_subdirectory"]
    key = f"{settings['version']}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    work = settings["work_directory"]
    archive_file = f"{work}/downloads/{settings['archive_sha256']}"
    git = {"kind": "git", "url": settings["git_url"], "tag": settings["version"], "commit": settings["commit"]}
    archive = {"kind": "archive", "url": settings["archive_url"], "file": archive_file}
    return Source(
        key=key,
        directory=f"{work}/sources/{key}",
        archive_file=archive_file,
        shown_archive=redacted(settings["archive_url"]),
        shown_git_url=re.sub(r"^(https?://)[^/@]+@", r"\1", settings["git_url"]),
        git_secrets=git_secrets(settings["git_url"]) if is_git else {},
        request=git if is_git else archive,
    )


def redacted(url: str) -> str:
    """An address without what may be a password: user, query and fragment."""
    return re.sub(r"://[^/@]*@", "://", re.sub(r"[?#].*$", "", url))


def git_secrets(url: str) -> dict[str, str]:
    """The environment that gives git the user of an address; empty without one."""
    match = re.match(r"(?P<scheme>https?)://(?P<user>[^/@]+)@(?P<host>[^/]+)", url)
    if not match:
        return {}
    word = base64.b64encode(urllib.parse.unquote(match["user"]).encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{match['scheme']}://{match['host']}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
    }

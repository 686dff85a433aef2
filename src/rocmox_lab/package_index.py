"""Finding a file in a Python package index, the way this machine's pip is set up, without running a build backend."""

from __future__ import annotations

import dataclasses
import json
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from rocmox.errors import CannotLookError
from rocmox.machine import Machine

# pip resolves its files, environment and defaults by itself; asking its own option parser is the only complete answer.
_ASK_PIP = """
import json
from pip._internal.commands import create_command
options, _ = create_command("download").parse_args([])
indexes = [options.index_url, *options.extra_index_urls]
print(json.dumps({"indexes": indexes, "ca": options.cert, "proxy": options.proxy}))
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipSettings:
    """Where pip looks. `indexes` are URLs of simple APIs (PEP 503), the first being the main one."""

    indexes: tuple[str, ...]
    ca_file: str | None
    proxy: str | None


def read_pip_settings(machine: Machine) -> PipSettings:
    """The settings in force for this very Python's pip; CommandError when it has none."""
    done = machine.run([sys.executable, "-c", _ASK_PIP]).check(
        remedy="`make lab` prepares .venv with a pip that answers."
    )
    found = json.loads(done.stdout)
    return PipSettings(indexes=tuple(found["indexes"]), ca_file=found["ca"] or None, proxy=found["proxy"] or None)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.targets.append(target)


def file_url(page: str, *, page_url: str, content_type: str, filename: str) -> str | None:
    """The file's absolute URL on a project page, HTML (PEP 503) or JSON (PEP 691); None when it is not listed."""
    if "json" in content_type:
        targets = [entry["url"] for entry in json.loads(page)["files"] if entry["filename"] == filename]
    else:
        links = _Links()
        links.feed(page)
        targets = [target for target in links.targets if unquote(urlsplit(target).path.rpartition("/")[2]) == filename]
    return urljoin(page_url, targets[0]) if targets else None


def find_file(settings: PipSettings, project: str, filename: str) -> str:
    """The URL of a project's file in the first index that lists it; CannotLookError when none does."""
    import requests  # noqa: PLC0415 - only fetching needs it; the lab's node runs without

    tried = []
    for index in settings.indexes:
        if urlsplit(index).scheme not in {"http", "https"}:
            continue
        page_url = f"{index.rstrip('/')}/{project}/"
        try:
            answer = requests.get(
                page_url,
                headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"},
                timeout=60,
                verify=settings.ca_file or True,
                proxies=proxies(settings),
            )
        except requests.RequestException as error:
            tried.append(f"{page_url}: {error}")
            continue
        content_type = answer.headers.get("content-type", "")
        found = file_url(answer.text, page_url=answer.url, content_type=content_type, filename=filename)
        if answer.ok and found:
            return found
        tried.append(f"{page_url}: {answer.status_code}, {filename} is not listed")
    raise CannotLookError(
        f"{filename} is in no package index that pip is set up for: {'; '.join(tried) or 'no index over HTTP'}",
        remedy="`pip config list` shows the indexes; put the file into ROCMOX_CACHE/mirror/sources by hand otherwise.",
    )


def proxies(settings: PipSettings) -> dict[str, str] | None:
    """What requests wants; None leaves it to the environment."""
    return {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None

"""Finding a file in a Python package index, the way this machine's pip is set up, without running a build backend."""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from rocmox.errors import CannotLookError
from rocmox.machine import Machine

_DEFAULT_INDEX = "https://pypi.org/simple"  # pip's own default (`pip download --help`)
# Where `pip config list` takes a setting of `pip download` from, the strongest last (pip's user guide, "Precedence").
_SECTIONS = ("global", "download", ":env:")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipSettings:
    """Where pip looks. `indexes` are URLs of simple APIs (PEP 503), the first being the main one."""

    indexes: tuple[str, ...]
    ca_file: str | None
    proxy: str | None


def parse_pip_settings(text: str) -> PipSettings:
    """The settings of `pip download` in what `pip config list` prints: `SECTION.NAME='VALUE'`, a line each.

    CannotLookError for a line that is not of this form.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section not in found:
            continue
        try:
            found[section][key] = str(ast.literal_eval(value))
        except (ValueError, SyntaxError) as error:
            raise CannotLookError(
                f"`pip config list` printed {line[:80]!r}{'' if equals else ' without a value'}: not understood",
                remedy="Compare it with pip's configuration files (`pip config debug`).",
            ) from error
    settings = {key: value for section in _SECTIONS for key, value in found[section].items()}
    indexes = (settings.get("index-url", _DEFAULT_INDEX), *settings.get("extra-index-url", "").split())
    no_index = settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    return PipSettings(
        indexes=() if no_index else indexes, ca_file=settings.get("cert") or None, proxy=settings.get("proxy") or None
    )


def read_pip_settings(machine: Machine) -> PipSettings:
    """The settings in force for this very Python's pip, from `pip config list`; CommandError when it has none."""
    done = machine.run([sys.executable, "-m", "pip", "config", "list"])
    return parse_pip_settings(done.check(remedy="`make lab` prepares .venv with a pip that answers.").stdout)


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

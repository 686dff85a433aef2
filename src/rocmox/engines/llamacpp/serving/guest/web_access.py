"""Ask web servers for sizes, ranges and tags; what an address holds as a password goes into a header, never into sight.

Standard library alone. It lies beside fetch_file.py in the guest, travels with preflight.py, and is imported by
fit_models.py on the controller.
"""

import base64
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 30
FAILURES = (OSError, ValueError, http.client.HTTPException)  # of everything here
MOST_REFERENCES_BYTES = 1 << 28  # llama.cpp's list of tags and pull requests takes 3 MB


class Passwords(urllib.request.HTTPRedirectHandler):
    """`http://USER:PASSWORD@HOST/…` as Basic authentication; urllib takes the user for a part of the host's name.

    The header follows a redirection on the same host alone.
    """

    handler_order = 100  # before the addresses are used

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """The same request without a password in its address."""
        user = urllib.parse.urlsplit(request.full_url).netloc.rpartition("@")[0]
        if user:
            request.full_url = request.full_url.replace(f"{user}@", "", 1)
            word = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {word}")
        return request

    https_request = http_request

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The next request, with the header when it goes to the same host."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        word = req.unredirected_hdrs.get("Authorization")
        if following and word and following.host == req.host:
            following.add_unredirected_header("Authorization", word)
        return following


def shown(url: str) -> str:
    """An address without what may be a password: user, and everything behind the path."""
    if not is_address(url):
        return "(an address that cannot be read)"
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_address(url: str) -> bool:
    """Whether host and port can be told; a password with a bare `/` or `#` would be taken for them."""
    try:
        port = urllib.parse.urlsplit(url).port
    except ValueError:
        return False
    return port is None or port >= 0


def hide(text: str) -> str:
    """A text in which every address is as `shown` leaves it."""
    return re.sub(r"(https?://)(?:[^\s/@]*@)?([^\s?#]*)(?:[?#][^\s]*)?", r"\1\2", text)


def why(error: Exception) -> str:
    """A failure in words that hold nothing of the address."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) if isinstance(error, OSError) else "it is not an address that can be asked"


def ask(url: str, *, first_byte: int = 0, last_byte: int | None = None) -> Any:
    """The answer to a GET of these bytes; one of FAILURES when there is none."""
    headers = {"User-Agent": "rocmox", "Accept-Encoding": "identity"}
    if first_byte or last_byte is not None:
        headers["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the callers check the scheme
    return urllib.request.build_opener(Passwords).open(request, timeout=TIMEOUT_SECONDS)


def size_bytes(url: str) -> int:
    """The size a server announces, 0 when it announces none; some refuse HEAD, so one byte is asked for."""
    with ask(url, last_byte=0) as answer:
        ranged = re.fullmatch(r"bytes 0-0/(\d+)", answer.headers.get("Content-Range") or "")
        return int(ranged[1] if ranged else answer.headers.get("Content-Length") or 0)


def commit_of_tag(url: str, tag: str) -> str:
    """The commit behind a tag of a Git repository served by HTTP, empty when it has no such tag.

    Reads what `git ls-remote` reads (gitprotocol-http(5), "Discovering References"), where git is not installed yet.
    """
    with ask(f"{url.rstrip('/')}/info/refs?service=git-upload-pack") as answer:
        return find_tag(answer.read(MOST_REFERENCES_BYTES).decode(errors="replace"), tag)


def find_tag(references: str, tag: str) -> str:
    """The commit in lines of id and name; of an annotated tag the one it points at (`^{}`)."""
    found = re.findall(rf"([0-9a-f]{{40}})[ \t]refs/tags/{re.escape(tag)}(\^\{{\}})?[\n\0]", references)
    return str(max(found, key=lambda pair: len(pair[1]))[0]) if found else ""

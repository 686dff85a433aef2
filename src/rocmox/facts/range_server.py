"""Parts of a file on a web server, by range requests (RFC 9110, section 14)."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request

from rocmox.errors import CannotLookError, UsageError

_CONTENT_RANGE = re.compile(r"bytes (?P<start>\d+)-\d+/(?P<size>\d{1,18})")
_TIMEOUT_SECONDS = 60
_REACH = "Check the address and the network, or download the file and name it."


class RangeServer:
    """Ranges of one address; the first answer tells the size."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._first, self.size_bytes = self._request(0, 1 << 18)

    def fetch(self, offset: int, count: int) -> bytes:
        """So many bytes from there."""
        if offset + count <= len(self._first):
            return self._first[offset : offset + count]
        return self._request(offset, max(count, 1 << 18))[0]

    def _request(self, offset: int, count: int) -> tuple[bytes, int]:
        request = urllib.request.Request(  # noqa: S310 - callers let http and https through, nothing else
            self._address, headers={"Range": f"bytes={offset}-{offset + count - 1}", "User-Agent": "rocmox"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
                match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
                partial = answer.status == http.HTTPStatus.PARTIAL_CONTENT
                if not partial or match is None or int(match["start"]) != offset:
                    raise UsageError(
                        f"{self._address}: the server does not serve ranges (status {answer.status})",
                        remedy="Download the file and name it, or use a server that answers range requests.",
                    )
                return answer.read(count), int(match["size"])
        except urllib.error.HTTPError as error:
            raise CannotLookError(f"{self._address}: {error.code} {error.reason}", remedy=_REACH) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            raise CannotLookError(f"{self._address}: {getattr(error, 'reason', error)}", remedy=_REACH) from error

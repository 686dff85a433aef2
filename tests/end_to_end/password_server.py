"""`password_server.py FOLDER PORT USER PASSWORD`: serves files, by ranges as well, to those who know the password."""

import base64
import http.server
import re
import sys
from pathlib import Path

FOLDER, PORT, USER, PASSWORD = sys.argv[1:]
WORD = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Files below FOLDER."""

    def do_GET(self) -> None:
        """The wished bytes, 401 or 404."""
        path = Path(FOLDER, self.path.partition("?")[0].lstrip("/"))
        if self.headers["Authorization"] != WORD or not path.is_file():
            self.send_error(404 if self.headers["Authorization"] == WORD else 401)
            return
        size = path.stat().st_size
        wished = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        first, last = (int(wished[1]), min(int(wished[2] or size - 1), size - 1)) if wished else (0, size - 1)
        self.send_response(206 if wished else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with path.open("rb") as stream:
            stream.seek(first)
            left = last - first + 1
            while left > 0:
                left -= self.wfile.write(stream.read(min(left, 1 << 20)))

    def log_message(self, *_words: object) -> None:
        """Nothing."""


http.server.ThreadingHTTPServer(("0.0.0.0", int(PORT)), Handler).serve_forever()  # noqa: S104 - in the lab's guest

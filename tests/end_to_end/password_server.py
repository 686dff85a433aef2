"""`password_server.py FOLDER PORT USER PASSWORD`: serves files, by ranges as well, to those who know the password.

Repositories (`NAME.git`) are served by Git's own `git http-backend`.
"""

import base64
import http.server
import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER, PORT, USER, PASSWORD = sys.argv[1:]
WORD = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Files below FOLDER."""

    def do_GET(self) -> None:
        """The wished bytes, 401 or 404."""
        place, _, query = self.path.partition("?")
        path = Path(FOLDER, place.lstrip("/"))
        if self.headers["Authorization"] != WORD:
            self.send_error(401)
        elif ".git/" in place:
            self.answer_git(place, query)
        elif path.is_file():
            self.answer_file(path)
        else:
            self.send_error(404)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def answer_file(self, path: Path) -> None:
        """The file or a range of it."""
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

    def answer_git(self, place: str, query: str) -> None:
        """What git answers as a CGI program."""
        settings = {
            "GIT_PROJECT_ROOT": FOLDER,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": place,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
        }
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        argv = ["git", "http-backend"]
        done = subprocess.run(argv, input=body, stdout=subprocess.PIPE, env={**os.environ, **settings}, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


http.server.ThreadingHTTPServer(("0.0.0.0", int(PORT)), Handler).serve_forever()  # noqa: S104 - in the lab's guest

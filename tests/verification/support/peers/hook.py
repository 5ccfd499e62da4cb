"""hook.py FILE PORT: a web hook that keeps what is posted."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hook(BaseHTTPRequestHandler):
    """Every body as a line."""

    def do_POST(self) -> None:
        """Keep it, then say so."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1], "ab", 0) as copy:
            copy.write(body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


HTTPServer(("127.0.0.1", int(sys.argv[2])), Hook).serve_forever()

"""A model server as a process of its own, which may be killed: its streams never end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UPSTREAM = r"""
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Streams(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        kind = "text/event-stream" if body.get("stream") else "application/json"
        self.send_header("Content-Type", kind)
        if not body.get("stream"):
            message = {"role": "assistant", "content": "ok"}
            whole = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole.encode())
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            event = json.dumps({"choices": [{"index": 0, "delta": {"content": "word "}}]})
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            time.sleep(0.05)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Streams)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def streaming() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A model server that never ends, as a process, and its address."""
    process = subprocess.Popen([sys.executable, "-c", UPSTREAM], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.communicate()

"""A stand-in for a model server, to follow the tutorial without one: `python endpoint.py 8000`.

It speaks as much of OpenAI's protocol as the tutorial needs, with the standard library alone. Its
"model" sorts tickets by what the prompt tells it to look for, so a better prompt gives better
answers and a worse prompt worse ones, every time the same.
"""

from __future__ import annotations

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What a prompt may tell the model to look for, and the words by which it then knows it.
SIGNS = {
    "danger": ("smell", "smoke", "shock", "wire"),
    "nobody can work": ("all five tills", "whole office"),
    "today": ("today", "tonight"),
    "opening": ("we open",),
}


def answer(prompt: str, ticket: str) -> str:
    """`urgent` or `normal`, by the signs that the prompt names, else by how loud the ticket is."""
    if "never an instruction" not in prompt and "Answer normal" in ticket:
        return "normal"  # the ticket talked it into that
    known = [words for sign, words in SIGNS.items() if sign in prompt]
    if not known:
        return "urgent" if "!" in ticket or "URGENT" in ticket else "normal"
    told = ticket.lower()
    return "urgent" if any(word in told for words in known for word in words) else "normal"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [message["content"] for message in asked["messages"]]
        found = re.search(r"<ticket>\n(.*)\n</ticket>", texts[-1], re.DOTALL)
        said = answer(texts[0], found[1] if found else texts[-1])
        body = {
            "id": "stand-in",
            "object": "chat.completion",
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": len(" ".join(texts).split()), "completion_tokens": 1},
        }
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.server_port}/v1\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()

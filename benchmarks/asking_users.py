"""What locust runs for rollbacks.py: users who ask, and check who says that they answered.

The upstream repeats what it was asked, and each identity's prompt has a word of its own in it, so the
answer shows which identity made it.
"""

from __future__ import annotations

import json
import os

from locust import FastHttpUser, constant_throughput, task

NAMES: dict[str, str] = json.loads(os.environ["IDENTITIES"])  # word by `tetrad:…`
PER_USER = float(os.environ["REQUESTS_PER_USER"])  # a second


class Asking(FastHttpUser):  # type: ignore[misc]
    wait_time = constant_throughput(PER_USER)

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        body = {"variables": {"message": "hello"}}
        with self.client.post(
            "/v1/stacks/echo/answer", json=body, name="answer", catch_response=True
        ) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
                return
            word = NAMES[response.headers["x-tetrad-identity"]]
            if word not in response.json()["answer"]:
                response.failure("mislabelled")

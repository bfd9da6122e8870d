"""What locust runs: users who ask, stream and hang up, and check who says that they answered.

The upstream repeats what it was asked, and each identity's prompt has a word of its own in it, so the
answer shows which identity made it.
"""

from __future__ import annotations

import json
import os
import random
import time

from locust import FastHttpUser, task

NAMES: dict[str, str] = json.loads(os.environ["IDENTITIES"])  # word by `tetrad:…`
PER_USER = float(os.environ["REQUESTS_PER_USER"])  # a second


class Asking(FastHttpUser):  # type: ignore[misc]
    """Asks at times that are set beforehand: who was answered late asks again at once, so that a
    gateway that halts finds all the requests of that time, as from people who know nothing of it.
    """

    def on_start(self) -> None:
        time.sleep(random.uniform(0, 1 / PER_USER))  # so that not all ask at once
        self._due = time.monotonic()

    def wait_time(self) -> float:
        self._due += 1 / PER_USER
        return max(0.0, self._due - time.monotonic())

    @task(17)  # type: ignore[untyped-decorator]
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

    @task(2)  # type: ignore[untyped-decorator]
    def stream(self) -> None:
        """Faults of the upstream end a stream with an error in it, so only the label is checked."""
        body = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
        with self.client.post(
            "/v1/chat/completions", json=body, name="stream", catch_response=True
        ) as response:
            if response.status_code == 200 and response.headers["x-tetrad-identity"] not in NAMES:
                response.failure("mislabelled")
            else:
                response.success()

    @task(1)  # type: ignore[untyped-decorator]
    def hang_up(self) -> None:
        """Close the connection before the answer is there."""
        with self.client.post(
            "/v1/stacks/echo/answer", json={"variables": {"message": "hello"}}, name="hang up",
            catch_response=True, stream=True, timeout=0.005,
        ) as response:  # fmt: skip
            response.success()

"""A program of its own: provisions an example under Pulumi's mocks, and prints its resources.

Apart from the tests, because the mocks are global and their event loop is never closed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pulumi
from clusters import example

from program import provision


class Recorder(pulumi.runtime.Mocks):
    """Notes every resource."""

    def __init__(self) -> None:
        self.resources: list[dict[str, Any]] = []

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[Any, Any]]:
        noted = {"type": args.typ, "name": args.name, "inputs": args.inputs}
        self.resources.append(noted)
        return f"{args.name}-id", args.inputs

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program asks for {args.token}")


def main(name: str, folder: str) -> None:
    desired = example(Path(folder), name)
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="tetrad", stack="production")

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        provision(desired)

    run()
    sys.stdout.write(json.dumps(recorder.resources))


if __name__ == "__main__":
    main(*sys.argv[1:])

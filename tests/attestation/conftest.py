from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from attestation.gated import Gated, gate


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    """A gated change; nobody writes to its folder."""
    with ExitStack() as opened:
        yield gate(tmp_path_factory.mktemp("gated"), opened)

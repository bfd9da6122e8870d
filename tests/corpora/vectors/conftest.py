from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import vectors as vectors  # noqa: PLC0414 - a fixture

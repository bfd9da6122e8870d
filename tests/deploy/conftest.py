"""A registry's place, of each kind."""

from postgres import place as place  # noqa: PLC0414 - a fixture
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture

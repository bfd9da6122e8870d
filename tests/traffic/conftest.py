from postgres import place as place  # noqa: PLC0414 - fixtures
from postgres import postgres as postgres  # noqa: PLC0414

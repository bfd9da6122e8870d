"""`pulumi up` in this folder: provision the environment that the Pulumi stack is named after."""

from __future__ import annotations

from pathlib import Path

import pulumi

from gathered import gather
from nodes import look
from program import provision

desired = gather(Path(__file__).resolve().parents[1], pulumi.get_stack())
provision(desired, look(desired.cluster, pulumi.log.warn))

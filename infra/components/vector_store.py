"""The vector store: PostgreSQL with pgvector, and the Jobs that fill it."""

from __future__ import annotations

import pulumi

import tetrad
from components.applied import Target, apply
from desired import Desired
from objects.index import index_objects
from objects.vector_store import vector_store_objects


class VectorStore(pulumi.ComponentResource):
    """There only while a corpus is kept in it; its volume outlasts it."""

    def __init__(
        self,
        name: str,
        args: Desired,
        hosting: tetrad.VectorStoreHosting,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:VectorStore", name, {}, opts)
        apply(vector_store_objects(hosting, target.place), self, target)
        apply(index_objects(args, target.place), self, target)
        self.register_outputs({})

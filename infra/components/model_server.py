"""A server of one model: vLLM, or any other that is OpenAI-compatible."""

from __future__ import annotations

import pulumi

import tetrad
from components.applied import Target, apply
from model_servers import ModelServerArgs
from objects.model_server import PORT, model_server_objects


class ModelServer(pulumi.ComponentResource):
    """Named by the model's digest, so that every identity that uses the model shares it."""

    url: pulumi.Output[str]

    def __init__(
        self,
        args: ModelServerArgs,
        monitoring: tetrad.Monitoring | None,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:ModelServer", args.name, {}, opts)
        apply(model_server_objects(args, target.place, monitoring), self, target)
        url = f"http://{args.name}.{target.place.namespace}.svc:{PORT}/v1"
        self.url = pulumi.Output.from_input(url)
        self.register_outputs({"url": self.url})

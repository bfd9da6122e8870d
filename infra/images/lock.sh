#!/bin/sh
# Writes gateway.lock and gateway-torch.lock anew: what the gateway needs, at the versions of constraints.txt,
# with the digests of their files. It asks for `uv` (pip install uv).
set -eu
cd "$(dirname "$0")/../.."
compile() {
  uv pip compile pyproject.toml --extra gateway --extra pgvector "$@" \
    --constraint constraints.txt --python-version 3.11 --python-platform x86_64-manylinux_2_34 \
    --only-binary :all: --generate-hashes --no-annotate --no-header --quiet
}
compile > infra/images/gateway.lock
{
  echo "--extra-index-url https://download.pytorch.org/whl/cpu"
  compile --extra torch --torch-backend cpu
} > infra/images/gateway-torch.lock

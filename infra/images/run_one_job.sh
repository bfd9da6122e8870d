#!/bin/sh
# Registers a runner for one job, runs it, and ends; the token is gone from the job's environment by then.
set -eu
: "${RUNNER_URL:?the repository or organisation to register with}"
: "${RUNNER_TOKEN:?a registration token}"
# The runner writes beside its programs, and the root is read-only.
cp -R "${RUNNER_HOME:?}" "$HOME/runner"
cd "$HOME/runner"
./config.sh --unattended --ephemeral --disableupdate --url "$RUNNER_URL" --token "$RUNNER_TOKEN" \
  --name "$(hostname)" --labels "${RUNNER_LABELS:-gpu}" --work "$HOME/_work"
unset RUNNER_TOKEN
exec ./run.sh

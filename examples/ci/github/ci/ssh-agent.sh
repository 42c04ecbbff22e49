#!/bin/bash
# Puts the job's SSH key into an agent and the servers' host keys into known_hosts. The key touches no disk.
#
# In the environment: REPLFORM_SSH_KEY (a private key), REPLFORM_KNOWN_HOSTS (lines of known_hosts), and GITHUB_ENV, where
# the agent's address goes for the steps after this one.
set -euo pipefail

(umask 077 && mkdir -p ~/.ssh)
printf '%s\n' "$REPLFORM_KNOWN_HOSTS" >>~/.ssh/known_hosts
eval "$(ssh-agent -s)" >/dev/null
ssh-add -q - <<<"$REPLFORM_SSH_KEY"
printf 'SSH_AUTH_SOCK=%s\nSSH_AGENT_PID=%s\n' "$SSH_AUTH_SOCK" "$SSH_AGENT_PID" >>"$GITHUB_ENV"

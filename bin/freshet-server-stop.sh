#!/usr/bin/env bash
# Stops the nodes of this user that freshet-server-start.sh started (all, or the one with --node-id=N), cleanly.
set -euo pipefail
node=${1:-}
pids=$(pgrep -u "$(id -u)" -f 'io\.freshet\.broker\.cli\.Freshet server' || true)
stopped=0
for pid in $pids; do
  if [ -n "$node" ]; then
    id=${node#--node-id=}
    file=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n '/^io\.freshet\.broker\.cli\.Freshet$/,$p' | grep -E '\.properties$' | head -n 1 || true)
    (cd "/proc/$pid/cwd" && grep -qE "^ *node\.id *= *$id *$" "$file") 2>/dev/null || continue
  fi
  kill -TERM "$pid"
  stopped=$((stopped + 1))
done
if [ "$stopped" -eq 0 ]; then
  echo "No freshet server to stop" >&2
  exit 1
fi

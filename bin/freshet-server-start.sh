#!/usr/bin/env bash
# Starts a node as Kafka's kafka-server-start.sh does: freshet-server-start.sh [-daemon] server.properties [--override key=value]*
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/freshet-env.sh"
daemon=no
if [ "${1:-}" = "-daemon" ]; then daemon=yes; shift; fi
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] server.properties [--override property=value]*" >&2
  exit 1
fi
freshet_home
freshet_server_jvm
log_dir=${LOG_DIR:-$FRESHET_DIST/logs}
command=("$JAVA" "${SERVER_JVM[@]}" -Dlog4j2.configurationFile="$FRESHET_LOG_CONFIG"
  -cp "$FRESHET_DIST/lib/*" io.freshet.broker.cli.Freshet server "$@")
if [ "$daemon" = yes ]; then
  mkdir -p "$log_dir"
  nohup "${command[@]}" >"$log_dir/freshet.out" 2>&1 </dev/null &
  echo "started, pid $!; output in $log_dir/freshet.out"
else
  exec "${command[@]}"
fi

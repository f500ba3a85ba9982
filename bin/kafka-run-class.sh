#!/usr/bin/env bash
# Runs one of Kafka's tools on its own class path. Honours JAVA_HOME, KAFKA_HEAP_OPTS, KAFKA_OPTS, LOG_DIR as Kafka's script does.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/freshet-env.sh"
freshet_home
if [ $# -eq 0 ]; then
  echo "USAGE: $0 classname [opts]" >&2
  exit 1
fi
exec "$JAVA" ${KAFKA_HEAP_OPTS:--Xmx256M} -XX:TieredStopAtLevel="${FRESHET_TOOL_TIER:-4}" \
  -Dkafka.logs.dir="${LOG_DIR:-$FRESHET_DIST/logs}" \
  -Dlog4j2.configurationFile="$FRESHET_DIST/config/tools-log4j2.properties" \
  ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} -cp "$FRESHET_DIST/lib/tools/*" "$@"

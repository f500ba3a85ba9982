#!/usr/bin/env bash
# Formats and inspects a node's metadata directory: kafka-storage.sh random-uuid | format -t CLUSTER_ID -c server.properties | info -c server.properties
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/freshet-env.sh"
freshet_home
exec "$JAVA" ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_OPTS:-} -Dlog4j2.configurationFile="$FRESHET_DIST/config/tools-log4j2.properties" \
  -cp "$FRESHET_DIST/lib/*" io.freshet.broker.cli.KafkaStorage "$@"

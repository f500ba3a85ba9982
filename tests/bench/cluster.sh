#!/usr/bin/env bash
# Measures a cluster of Freshet, then one of Apache Kafka 4.4.0 (from Maven Central), on this machine: how long partitions take no writes
# when one of three brokers is killed, and how long it takes to add a fourth and to give it half of 100 filled partitions.
# Options by environment: GIB (10) and PARTITIONS (100) of the filled topic, MOVED (half or all), ROUNDS of kills (3), SERVERS (all, kafka or freshet), SESSION_MS (0; Kafka's
# broker.session.timeout.ms unless 0), WORK (a folder with room for three times the topic;
# its records compress well where the file system does that).
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/cluster}
. "$root/bin/freshet-env.sh"
freshet_home
[ -d "$root/tests/bench/kafka/target/lib" ] || mvn -q -f "$root/tests/bench/kafka/pom.xml" package
(cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/bench.cp" -Dmdep.includeScope=runtime)
rm -rf "$work"
exec "$JAVA" -Xmx512m -cp "$root/tests/target/classes:$(cat "$root/tests/target/bench.cp")" \
  -Dlog4j2.configurationFile="$root/config/tools-log4j2.properties" \
  io.freshet.tests.bench.cluster.ClusterBench "$FRESHET_DIST" "$root/tests/bench/kafka/target/lib" "$work" \
  "${GIB:-10}" "${PARTITIONS:-100}" "${ROUNDS:-3}" "${SERVERS:-all}" "${SESSION_MS:-0}" "${MOVED:-half}"

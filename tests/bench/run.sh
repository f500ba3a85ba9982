#!/usr/bin/env bash
# Measures Freshet beside Apache Kafka 4.4.0 (from Maven Central) on this machine, taking turns, and prints ratios.
# Options by environment: ROUNDS (3), SECONDS_EACH (20), CATCHUP_MIB (4096), LOADS (all, or a comma list of
# produce1,produce16,default1,default16,fsync1,fsync16,latency,tail,endtoend,catchup), WORK (a folder with room for twice the catch-up size),
# SERVERS (all, or kafka or freshet). KAFKA_OPTS and KAFKA_HEAP_OPTS reach Freshet only.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/bench}
. "$root/bin/freshet-env.sh"
freshet_home
[ -d "$root/tests/bench/kafka/target/lib" ] || mvn -q -f "$root/tests/bench/kafka/pom.xml" package
(cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/bench.cp" -Dmdep.includeScope=runtime)
rm -rf "$work"
exec "$JAVA" -Xmx1g -cp "$root/tests/target/classes:$(cat "$root/tests/target/bench.cp")" \
  -Dlog4j2.configurationFile="$root/config/tools-log4j2.properties" \
  io.freshet.tests.bench.Bench "$FRESHET_DIST" "$root/tests/bench/kafka/target/lib" "$work" \
  "${ROUNDS:-3}" "${SECONDS_EACH:-20}" "${CATCHUP_MIB:-4096}" "${LOADS:-all}" "${SERVERS:-all}"

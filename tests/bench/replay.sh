#!/usr/bin/env bash
# Measures what a replay of cold data does to the tail: latencies of a steady load before, during and after it, and their ratios.
# Options by environment: MIB (1024), READERS (4), REPLAY_RATE (MiB/s of all readers together, 0: no limit), TAIL_RATE (10 MiB/s),
# LINGER_MS (5), SECONDS_EACH (20), NICE (10: priority of the replaying process), ROUNDS (3 replays, each of other data), WORK (a folder with
# room for the data).
# KAFKA_OPTS and KAFKA_HEAP_OPTS reach the server.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/replay}
. "$root/bin/freshet-env.sh"
freshet_home
if [ ! -f "$root/tests/target/bench.cp" ] || [ -z "${NO_BUILD:-}" ]; then
  (cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/bench.cp" -Dmdep.includeScope=runtime)
fi
rm -rf "$work"
exec "$JAVA" -Xmx512m -cp "$root/tests/target/classes:$(cat "$root/tests/target/bench.cp")" \
  -Dlog4j2.configurationFile="$root/config/tools-log4j2.properties" \
  io.freshet.tests.bench.ReplayBench "$FRESHET_DIST" "$work" "${MIB:-1024}" "${READERS:-4}" "${REPLAY_RATE:-0}" "${TAIL_RATE:-10}" \
  "${LINGER_MS:-5}" "${SECONDS_EACH:-20}" "${NICE:-10}" "${ROUNDS:-3}"

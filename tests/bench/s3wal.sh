#!/usr/bin/env bash
# Measures the s3 lane: a server with `--wal s3` on an S3 server in a process of its own, as it is ("direct") and behind a delay
# like S3's ("latency"). Prints requests for each GiB, produce latency, and whether each aim was met.
# Options by environment: STORES (direct,latency), LOADS (comma list of idle, trickle, outage and MiB/s;
# 1,idle,12.5,10,100,trickle,outage), SECONDS_EACH (20), IDLE_SECONDS (60), LINGER_MS (5), OVERRIDES (comma list of name=value for the server),
# NO_BUILD (any value: the class files are as they should be), WORK (a folder with room for some GiB, emptied).
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/s3wal}
. "$root/bin/freshet-env.sh"
freshet_home
if [ ! -f "$root/tests/target/s3wal.cp" ] || [ -z "${NO_BUILD:-}" ]; then
  (cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am test-compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/s3wal.cp" -Dmdep.includeScope=test)
fi
rm -rf "$work"
path="$root/tests/target/classes:$root/tests/target/test-classes:$(cat "$root/tests/target/s3wal.cp")"
exec "$JAVA" -Xmx1g -cp "$path" -Dlog4j2.configurationFile="$root/config/tools-log4j2.properties" \
  io.freshet.tests.bench.S3WalBench "$FRESHET_DIST" "$path" "$work" "${STORES:-direct,latency}" \
  "${LOADS:-1,idle,12.5,10,100,trickle,outage}" "${SECONDS_EACH:-20}" "${IDLE_SECONDS:-60}" "${LINGER_MS:-5}" "${OVERRIDES:-}"

#!/usr/bin/env bash
# Measures a voter of the metadata quorum (alone in its quorum, 2 GiB heap, flushes real) with many partitions and objects, and how it
# grows from a tenth of that. Each phase is a process that ends like kill -9. Prints a table with the ratio of both sizes.
# Options by environment: PARTITIONS (200000), OBJECTS (5000000), SIZES (tenth,full), PHASES (topics,objects,measure,restart;
# a later call may go on with those that are missing), SECONDS_EACH (30), FILL_SECONDS (600 for each call of the phase "objects"), HEAP
# (2g), WORK (a folder with room for 10 GB), NO_BUILD (any value: the class files are as they should be).
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/scale}
. "$root/bin/freshet-env.sh"
freshet_java
if [ ! -f "$root/tests/target/bench.cp" ] || [ -z "${NO_BUILD:-}" ]; then
  (cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/bench.cp" -Dmdep.includeScope=runtime)
fi
mkdir -p "$work"
heap=${HEAP:-2g}
# As the server runs (bin/freshet-env.sh).
collector=(-XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent
  -XX:+UnlockExperimentalVMOptions -XX:G1NewSizePercent=20)
for size in $(tr , ' ' <<<"${SIZES:-tenth,full}"); do
  share=$([ "$size" = full ] && echo 1 || echo 10)
  for phase in $(tr , ' ' <<<"${PHASES:-topics,objects,measure,restart}"); do
    if [ "$phase" = topics ]; then rm -rf "${work:?}/$size" "$work/$size.results"; fi
    seconds=$([ "$phase" = objects ] && echo "${FILL_SECONDS:-600}" || echo "${SECONDS_EACH:-30}")
    echo "$size: $phase"
    "$JAVA" "-Xms$heap" "-Xmx$heap" "${collector[@]}" -cp "$root/tests/target/classes:$(cat "$root/tests/target/bench.cp")" \
      -Dlog4j2.configurationFile="$root/config/tools-log4j2.properties" io.freshet.tests.bench.scale.MetadataScale \
      "$phase" "$work/$size" "$((${PARTITIONS:-200000} / share))" "$((${OBJECTS:-5000000} / share))" "$seconds" |
      tee -a "$work/$size.results" | { grep -v '^RESULT' || true; }
  done
done
touch "$work/tenth.results" "$work/full.results"
# The last figure of each name counts; but fills may take several calls, whose times add up.
awk '$1 != "RESULT" { next }
  { full = FILENAME ~ /full.results$/
    if (!($2 in order)) { order[$2] = ++n; name[n] = $2 }
    old = full ? f[$2] : t[$2]
    value = $2 ~ /^fill/ ? old + $3 : $3
    if (full) f[$2] = value; else t[$2] = value }
  END {
    print "| figure | tenth | full | full ÷ tenth |"; print "|---|---|---|---|"
    for (i = 1; i <= n; i++) {
      k = name[i]
      one = t[k] == "" ? "" : sprintf("%.2f", t[k])
      other = f[k] == "" ? "" : sprintf("%.2f", f[k])
      ratio = (t[k] + 0 > 0 && f[k] != "") ? sprintf("%.2f", f[k] / t[k]) : ""
      printf("| %s | %s | %s | %s |\n", k, one, other, ratio)
    } }' "$work/tenth.results" "$work/full.results"

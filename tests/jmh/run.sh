#!/usr/bin/env bash
# Runs the microbenchmarks; arguments go to JMH (a name pattern, -f forks, -wi and -i iterations, -l to list, -prof gc …).
# Without arguments: every benchmark, one fork, short iterations.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
. "$root/bin/freshet-env.sh"
freshet_java
(cd "$root" && mvn -q -Dquick -DskipTests -pl tests/jmh -am compile dependency:build-classpath \
  -Dmdep.outputFile="$root/tests/jmh/target/jmh.cp" -Dmdep.includeScope=runtime)
[ $# -gt 0 ] || set -- -f 1 -wi 3 -i 5 -w 1 -r 1
exec "$JAVA" -cp "$root/tests/jmh/target/classes:$(cat "$root/tests/jmh/target/jmh.cp")" org.openjdk.jmh.Main "$@"

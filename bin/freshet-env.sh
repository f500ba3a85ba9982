# Sourced by the other scripts. freshet_home sets FRESHET_DIST (a folder with lib/) and JAVA; in a source tree it builds the
# distribution when there is none or when sources are newer.

freshet_java() {
  if [ -n "${JAVA_HOME:-}" ]; then JAVA="$JAVA_HOME/bin/java"; else JAVA=java; fi
  if ! command -v "$JAVA" >/dev/null 2>&1; then
    echo "freshet: no Java found (tried '$JAVA'); install JDK 17 or newer, or set JAVA_HOME" >&2
    exit 1
  fi
}

freshet_home() {
  freshet_java
  local bin root
  bin=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  root=$(cd "$bin/.." && pwd)
  if [ -d "$root/lib" ]; then
    FRESHET_DIST=$root
    return
  fi
  local archive
  archive=$(ls "$root"/bin/target/freshet-*.tgz 2>/dev/null | head -n 1 || true)
  if [ -z "$archive" ] || freshet_stale "$root" "$archive"; then
    freshet_build "$root"
    archive=$(ls "$root"/bin/target/freshet-*.tgz | head -n 1)
  fi
  FRESHET_DIST=$(ls -d "${archive%.tgz}"/freshet-*)
}

freshet_stale() {
  [ -n "$(find "$1" -path '*/target' -prune -o \( -path '*/src/main/*' -o -name pom.xml -o -path "$1/config/*" \) -type f -newer "$2" -print -quit)" ]
}

freshet_build() {
  if ! command -v mvn >/dev/null 2>&1; then
    echo "freshet: this is a source tree and Maven is not installed; install Maven 3.8 or newer, or use a packaged release" >&2
    exit 1
  fi
  local log="$1/bin/target/build.log"
  mkdir -p "$1/bin/target"
  echo "Building the distribution (first use, or the sources have changed); this takes a minute or two." >&2
  if ! (cd "$1" && mvn -B -Dquick -Dmaven.test.skip=true -Dstyle.color=never -pl bin -am package 2>&1 | tee "$log" \
      | grep --line-buffered -E '^\[INFO\] (Building Freshet|BUILD)|^\[ERROR\]' | sed -u 's/^\[INFO\] /  /' >&2; \
      exit "${PIPESTATUS[0]}"); then
    echo "freshet: the build failed; its whole output is in $log" >&2
    exit 1
  fi
}

# Options of the server's JVM. With a pause goal of 20 ms G1 shrinks the young generation to 5 % of the heap and collects
# many times a second; each append leaves little behind, so fewer and larger collections cost less.
# KAFKA_HEAP_OPTS and KAFKA_OPTS are honoured as in Kafka.
freshet_server_jvm() {
  SERVER_JVM=(${KAFKA_HEAP_OPTS:--Xms512m -Xmx1g -XX:MaxDirectMemorySize=3g}
    -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent
    -XX:+UnlockExperimentalVMOptions -XX:G1NewSizePercent=20
    -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true
    --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
    -Dio.netty.tryReflectionSetAccessible=true -Dio.netty.maxDirectMemory=0
    -Dkafka.logs.dir="${LOG_DIR:-$FRESHET_DIST/logs}")
  if "$JAVA" -version 2>&1 | grep -qE 'version "(2[4-9]|[3-9][0-9])'; then
    SERVER_JVM+=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)
  fi
  SERVER_JVM+=(${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-})
}

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
  rm -rf "$1"/bin/target/freshet-*/freshet-*/cache
}

# Prints the JDK's full version. Its release file is read where there is one: starting a JVM to ask costs more.
freshet_java_version() {
  local home=${JAVA_HOME:-} key value found=
  if [ -z "$home" ]; then
    home=$(readlink -f "$(command -v "$JAVA")") || home=
    home=${home%/bin/java}
  fi
  if [ -r "$home/release" ]; then
    while IFS='=' read -r key value; do
      value=${value%\"}
      value=${value#\"}
      case $key in
        JAVA_RUNTIME_VERSION) found=$value ;;
        JAVA_VERSION) found=${found:-$value} ;;
      esac
    done <"$home/release"
  fi
  if [ -z "$found" ]; then
    found=$("$JAVA" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p' | head -n 1)
  fi
  echo "$found"
}

# SERVER_JVM: options of the server's JVM; KAFKA_HEAP_OPTS and KAFKA_OPTS are honoured as in Kafka. With a pause goal of
# 20 ms G1 shrinks the young generation to 5 % of the heap and collects many times a second; each append leaves little
# behind, so fewer and larger collections cost less.
freshet_server_jvm() {
  FRESHET_LOG_CONFIG=${FRESHET_LOG_CONFIG:-$FRESHET_DIST/config/log4j2.properties}
  SERVER_JVM=(${KAFKA_HEAP_OPTS:--Xms512m -Xmx1g -XX:MaxDirectMemorySize=3g}
    -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent
    -XX:+UnlockExperimentalVMOptions -XX:G1NewSizePercent=20
    -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true
    --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
    -Dio.netty.tryReflectionSetAccessible=true -Dio.netty.maxDirectMemory=0
    -Dkafka.logs.dir="${LOG_DIR:-$FRESHET_DIST/logs}")
  local version
  version=$(freshet_java_version)
  if [ "${version%%[.+-]*}" -ge 24 ] 2>/dev/null; then
    SERVER_JVM+=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)
  fi
  freshet_class_archive "$version"
  SERVER_JVM+=(${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-})
}

# Sets CLASS_ARCHIVE, where this JDK's archive of the server's classes is or would be, and uses it if it is there. The JVM
# checks it against its own build and the jars, and starts without it if they differ. FRESHET_CLASS_ARCHIVE=off: none.
freshet_class_archive() {
  CLASS_ARCHIVE=
  if [ "${FRESHET_CLASS_ARCHIVE:-on}" = off ] || [ -z "$1" ]; then
    return
  fi
  local cache="$FRESHET_DIST/cache"
  if [ ! -w "$FRESHET_DIST" ]; then
    cache="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/freshet/$(printf '%s' "$FRESHET_DIST" | cksum | tr ' ' '-')"
  fi
  CLASS_ARCHIVE="$cache/classes-$1.jsa"
  if [ -s "$CLASS_ARCHIVE" ] && [ ! "$FRESHET_DIST/lib" -nt "$CLASS_ARCHIVE" ]; then
    SERVER_JVM+=(-XX:SharedArchiveFile="$CLASS_ARCHIVE" -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off)
  fi
}

# Records the archive in a short run of the server, if there is none yet. Whatever goes wrong, the start goes on without.
freshet_train() {
  if [ -z "$CLASS_ARCHIVE" ] || { [ -f "$CLASS_ARCHIVE" ] && [ ! "$FRESHET_DIST/lib" -nt "$CLASS_ARCHIVE" ]; }; then
    return
  fi
  local cache lock part
  cache=$(dirname "$CLASS_ARCHIVE")
  mkdir -p "$cache" 2>/dev/null || return 0
  lock="$CLASS_ARCHIVE.lock"
  find "$lock" -maxdepth 0 -mmin +2 -exec rmdir {} \; 2>/dev/null || true
  mkdir "$lock" 2>/dev/null || return 0
  part="$CLASS_ARCHIVE.$$"
  echo "Preparing faster starts (once for each JDK) ..." >&2
  rm -f "$CLASS_ARCHIVE"
  KAFKA_JVM_PERFORMANCE_OPTS='' KAFKA_OPTS='' freshet_server_jvm
  if "$JAVA" "${SERVER_JVM[@]}" -Xlog:disable -XX:ArchiveClassesAtExit="$part" -Dlog4j2.configurationFile="$FRESHET_LOG_CONFIG" \
      -cp "$FRESHET_DIST/lib/*" io.freshet.broker.cli.Freshet train >/dev/null 2>&1 && [ -s "$part" ]; then
    mv -f "$part" "$CLASS_ARCHIVE"
  else
    rm -f "$part"
    : >"$CLASS_ARCHIVE"
  fi
  rmdir "$lock" 2>/dev/null || true
  freshet_server_jvm
}

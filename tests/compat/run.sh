#!/usr/bin/env bash
# Sends the same odd requests to Freshet and to Apache Kafka 4.4.0 (from Maven Central), both on this machine, and shows
# where their answers differ. Lines with '<' are Kafka's, with '>' Freshet's. Options by environment: WORK, KAFKA_LIB.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=${WORK:-$root/tests/target/compat}
lib=${KAFKA_LIB:-$root/tests/bench/kafka/target/lib}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
[ -d "$lib" ] || mvn -q -f "$root/tests/bench/kafka/pom.xml" package
(cd "$root" && mvn -q -Dquick -DskipTests -pl tests -am compile dependency:build-classpath -Dmdep.outputFile="$root/tests/target/compat.cp" -Dmdep.includeScope=runtime)
rm -rf "$work"
mkdir -p "$work"
cp="$root/tests/target/classes:$(cat "$root/tests/target/compat.cp")"
log="-Dlog4j2.configurationFile=$root/config/tools-log4j2.properties"
kafka_port=${KAFKA_PORT:-29292}
freshet_port=${FRESHET_PORT:-29492}
cat > "$work/kafka.properties" <<END
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$kafka_port,CONTROLLER://127.0.0.1:$((kafka_port + 1))
controller.quorum.bootstrap.servers=127.0.0.1:$((kafka_port + 1))
controller.listener.names=CONTROLLER
log.dirs=$work/kafka
offsets.topic.replication.factor=1
END
"$java" -Xmx256m -cp "$lib/*" kafka.tools.StorageTool format --standalone -t MkU3OEVBNTcwNTJENDM2Qk \
  -c "$work/kafka.properties" > "$work/kafka.log" 2>&1
"$java" -Xmx512m -cp "$lib/*" kafka.Kafka "$work/kafka.properties" >> "$work/kafka.log" 2>&1 &
kafka=$!
"$java" -Xmx512m -XX:MaxDirectMemorySize=2g "$log" -cp "$cp" io.freshet.broker.cli.Freshet up --data "$work/freshet" --port "$freshet_port" --http-port 0 \
  > "$work/freshet.log" 2>&1 &
freshet=$!
trap 'kill $kafka $freshet 2> /dev/null || true' EXIT
for port in $kafka_port $freshet_port; do
  until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.2; done
done
for server in kafka freshet; do
  port=${server}_port
  "$java" -Xmx256m "$log" -cp "$cp" io.freshet.tests.compat.ErrorScript "127.0.0.1:${!port}" > "$work/$server.txt"
done
echo "$(wc -l < "$work/kafka.txt") cells"
diff "$work/kafka.txt" "$work/freshet.txt" && echo "no differences"

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import java.util.Locale;
import org.apache.kafka.common.config.ConfigDef;

/** Writes docs/configuration.md from the definitions; a test keeps the file fresh. */
final class ConfigReference {
    private ConfigReference() {}

    static String markdown() {
        StringBuilder text = new StringBuilder("""
                # Configuration

                <!-- Generated from FreshetKeys; a test compares. -->

                A node reads a `server.properties` file, as Kafka does, with Kafka's names: `listeners`, `advertised.listeners`, `node.id`,
                `process.roles`, `log.dirs`, `log.retention.*`, `num.partitions`, `message.max.bytes`, `group.*`, `offsets.*` and so on. A key
                that nobody defines, or that was removed, stops the start with the nearest one that exists. Topic configurations are Kafka's.
                Keys of Kafka that speak of replicas, log segments' files or cleaner threads are accepted and have nothing to act on. Where
                nothing is said, `controller.quorum.election.timeout.ms` is 500, and `controller.quorum.fetch.timeout.ms` 1500 to 1800, another one for
                each voter.

                These keys are Freshet's own:

                | key | type | default | meaning |
                |---|---|---|---|
                """);
        FreshetKeys.CONFIG_DEF.configKeys().values().stream()
                .sorted((a, b) -> a.name.compareTo(b.name))
                .forEach(key -> text.append("| `")
                        .append(key.name)
                        .append("` | ")
                        .append(key.type().name().toLowerCase(Locale.ROOT))
                        .append(" | ")
                        .append(defaultOf(key))
                        .append(" | ")
                        .append(key.documentation)
                        .append(" |\n"));
        return text.toString();
    }

    private static String defaultOf(ConfigDef.ConfigKey key) {
        Object value = key.defaultValue;
        return value == null || value.toString().isEmpty() ? "empty" : "`" + value + "`";
    }
}

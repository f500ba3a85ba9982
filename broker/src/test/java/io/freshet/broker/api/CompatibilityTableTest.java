// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ControlFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.junit.jupiter.api.Test;

/** Holds docs/compatibility.md against the code. */
class CompatibilityTableTest {
    private static final Pattern ROW =
            Pattern.compile("\\| (\\d+) \\| ([A-Z_]+) \\| (?:(\\d+)–(\\d+)|–) \\| (served|not yet) \\| (.*)\\|");

    /** The APIs that move records, or go to the quorum's leader; they are registered beside the control APIs. */
    private static final Set<ApiKeys> OTHER_APIS = Set.of(
            ApiKeys.DESCRIBE_QUORUM,
            ApiKeys.ADD_RAFT_VOTER,
            ApiKeys.REMOVE_RAFT_VOTER,
            ApiKeys.PRODUCE,
            ApiKeys.FETCH,
            ApiKeys.LIST_OFFSETS,
            ApiKeys.OFFSET_FOR_LEADER_EPOCH,
            ApiKeys.DELETE_RECORDS,
            ApiKeys.DESCRIBE_PRODUCERS);

    @Test
    void theTableNamesEveryApiOfABrokerOnce() throws IOException {
        Set<String> expected = new TreeSet<>();
        ApiKeys.apisForListener(ListenerType.BROKER).forEach(api -> expected.add(api.id + " " + api));

        assertThat(rows().keySet()).hasSize(79).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void theServedRowsAreWhatTheBrokerRegisters() throws IOException {
        Map<String, String> expected = new TreeMap<>();
        OTHER_APIS.forEach(api -> expected.put(name(api), api.oldestVersion() + "–" + api.latestVersion(false)));
        try (ControlFixture broker = new ControlFixture()) {
            broker.router
                    .served()
                    .forEach((api, versions) ->
                            expected.put(name(api), versions.minVersion() + "–" + versions.maxVersion()));
        }
        Map<String, String> served = new TreeMap<>();
        rows().forEach((api, row) -> {
            if (row.group(5).equals("served")) {
                served.put(api, row.group(3) + "–" + row.group(4));
            }
        });

        assertThat(served).isEqualTo(expected);
    }

    @Test
    void whatIsNotServedHasAReason() throws IOException {
        assertThat(rows().values())
                .filteredOn(row -> row.group(5).equals("not yet"))
                .allSatisfy(row -> assertThat(row.group(6)).isNotBlank());
    }

    private static String name(ApiKeys api) {
        return api.id + " " + api;
    }

    private static Map<String, Matcher> rows() throws IOException {
        Map<String, Matcher> rows = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("..", "docs", "compatibility.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                assertThat(rows.put(row.group(1) + " " + row.group(2), row))
                        .as("row of %s is unique", row.group(2))
                        .isNull();
            }
        }
        return rows;
    }
}

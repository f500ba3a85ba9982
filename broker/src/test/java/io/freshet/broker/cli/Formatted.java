// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.cli.fleet.FleetNode;
import java.nio.file.Path;
import java.util.Map;

/** Fleets whose nodes can be started. */
public final class Formatted {
    private Formatted() {}

    /** A new fleet on free ports with every node's directory formatted. */
    public static Fleet fleet(Path folder, int brokers, Map<String, String> settings) {
        Fleet fleet = Fleet.create(folder, brokers, 0, settings);
        for (FleetNode node : fleet.nodes()) {
            KafkaStorage.run(fleet.formatArguments(node));
        }
        return fleet;
    }
}

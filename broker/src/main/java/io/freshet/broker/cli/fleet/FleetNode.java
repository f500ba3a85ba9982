// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import java.nio.file.Path;
import org.apache.kafka.common.Uuid;

/**
 * One node of a fleet.
 *
 * @param folder all that it keeps on the local disk: configuration, data, log, process id
 * @param isVoter whether it votes in the quorum, besides being a broker
 * @param directoryId names its metadata directory
 * @param controllerPort of a voter; else 0
 */
public record FleetNode(
        int id,
        Path folder,
        boolean isVoter,
        Uuid directoryId,
        Hosts hosts,
        int port,
        int controllerPort,
        int httpPort) {
    /**
     * The names or addresses under which a node is reached.
     *
     * @param clients by Kafka clients and over HTTP
     * @param controllers by other nodes, if it votes
     */
    public record Hosts(String clients, String controllers) {
        /** All on one machine, in one network. */
        public static final Hosts LOCAL = new Hosts("localhost", "localhost");
    }

    /** Where Kafka clients find it. */
    public String bootstrap() {
        return hosts.clients() + ":" + port;
    }

    String controller() {
        return hosts.controllers() + ":" + controllerPort;
    }

    String http() {
        return hosts.clients() + ":" + httpPort;
    }

    String roles() {
        return isVoter ? "broker,controller" : "broker";
    }

    public Path propertiesFile() {
        return folder.resolve("server.properties");
    }

    public Path dataDirectory() {
        return folder.resolve("data");
    }

    /** What the process prints and logs, of all its starts. */
    public Path logFile() {
        return folder.resolve("server.log");
    }

    Path processFile() {
        return folder.resolve("process");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Endpoint;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.raft.MetadataLogConfig;
import org.apache.kafka.raft.QuorumConfig;

/**
 * A node's part in the metadata quorum.
 *
 * @param isBroker whether it serves clients
 * @param isController whether it votes, or may be given a vote
 * @param listenerName the controllers' listener through which this node reaches them, as in the voter set
 * @param listeners controller listeners to bind; none if this node is not a controller, or its controller listener has port 0:
 *     then it is a quorum of one for good
 * @param advertisedHost where other nodes reach this controller
 * @param advertisedPort likewise
 * @param bootstrapServers {@code host:port} of controllers to ask for the leader
 * @param logOverrides {@code controller.quorum.*} and {@code metadata.*} keys of the configuration
 */
public record QuorumSettings(
        boolean isBroker,
        boolean isController,
        String listenerName,
        List<Endpoint> listeners,
        String advertisedHost,
        int advertisedPort,
        List<String> bootstrapServers,
        Map<String, String> logOverrides) {
    private static final String BROKER = "broker";
    private static final String CONTROLLER = "controller";
    private static final String DEFAULT_HOST = "localhost";
    private static final int DEFAULT_PORT = 9093;
    private static final String NAMES = "controller.listener.names";

    public QuorumSettings {
        listeners = List.copyOf(listeners);
        bootstrapServers = List.copyOf(bootstrapServers);
        logOverrides = Map.copyOf(logOverrides);
    }

    /**
     * Checks the keys together, with Kafka's words where Kafka has the rule.
     *
     * @param listeners all of {@code listeners}
     * @param advertised all of {@code advertised.listeners}
     * @throws FreshetException INVALID, naming the key
     */
    static QuorumSettings of(KafkaSettings kafka, List<Endpoint> listeners, List<Endpoint> advertised) {
        Set<String> roles = roles(kafka);
        boolean isBroker = roles.contains(BROKER);
        boolean isController = roles.contains(CONTROLLER);
        List<String> names = kafka.controllerListenerNames();
        List<Endpoint> controllers = listeners.stream()
                .filter(endpoint -> names.contains(endpoint.listener()))
                .toList();
        checkServers(kafka);
        if (isController) {
            checkController(names, listeners, controllers, isBroker);
        } else {
            checkBrokerOnly(kafka, names, controllers);
        }
        Optional<Endpoint> own = controllers.stream()
                .filter(endpoint -> endpoint.listener().equals(names.get(0)))
                .findFirst();
        Optional<Endpoint> told = advertised.stream()
                .filter(endpoint -> endpoint.listener().equals(names.get(0)))
                .findFirst()
                .or(() -> own);
        boolean isBound = own.isPresent() && own.get().port() != 0;
        if (isController && !isBound && !isBroker) {
            throw invalid(
                    "The controller listener of a node that is controller only must have a port other than 0, since the"
                            + " other nodes of the quorum must know it");
        }
        return new QuorumSettings(
                isBroker,
                isController,
                names.get(0),
                isBound ? controllers : List.of(),
                isBound ? told.map(Endpoint::host).map(QuorumSettings::routable).orElse("") : DEFAULT_HOST,
                isBound ? told.map(Endpoint::port).orElse(DEFAULT_PORT) : DEFAULT_PORT,
                kafka.getList(QuorumConfig.QUORUM_BOOTSTRAP_SERVERS_CONFIG),
                overrides(kafka));
    }

    private static Set<String> roles(KafkaSettings kafka) {
        Set<String> roles = new TreeSet<>(kafka.getList("process.roles"));
        if (roles.isEmpty()) {
            throw invalid("process.roles must be set: to broker,controller for a node that does both");
        }
        return roles;
    }

    private static void checkServers(KafkaSettings kafka) {
        if (!kafka.getList(QuorumConfig.QUORUM_VOTERS_CONFIG).isEmpty()) {
            throw invalid(
                    "controller.quorum.voters names a fixed set of voters, which this server does not have: remove it,"
                            + " set controller.quorum.bootstrap.servers, and name the first voters when formatting"
                            + " (kafka-storage.sh format --initial-controllers, or --standalone)");
        }
        List<String> servers = kafka.getList(QuorumConfig.QUORUM_BOOTSTRAP_SERVERS_CONFIG);
        if (servers.isEmpty()) {
            throw invalid(
                    "If using process.roles, controller.quorum.bootstrap.servers must contain the set of bootstrap controllers");
        }
        try {
            QuorumConfig.parseBootstrapServers(servers);
        } catch (ConfigException e) {
            throw invalid("controller.quorum.bootstrap.servers cannot be understood: " + e.getMessage());
        }
    }

    private static void checkController(
            List<String> names, List<Endpoint> listeners, List<Endpoint> controllers, boolean isBroker) {
        if (controllers.isEmpty()) {
            throw invalid(
                    NAMES + " must contain at least one value appearing in the 'listeners' configuration when running"
                            + " the KRaft controller role");
        }
        if (!names.stream()
                .allMatch(name -> listeners.stream()
                        .anyMatch(endpoint -> endpoint.listener().equals(name)))) {
            throw invalid(NAMES
                    + " must only contain values appearing in the 'listeners' configuration when running the KRaft"
                    + " controller role");
        }
        if (!isBroker && controllers.size() != listeners.size()) {
            throw invalid("The listeners config must only contain KRaft controller listeners from " + NAMES
                    + " when process.roles=controller");
        }
    }

    private static void checkBrokerOnly(KafkaSettings kafka, List<String> names, List<Endpoint> controllers) {
        if (names.isEmpty()) {
            throw invalid(NAMES + " must contain at least one value when running KRaft with just the broker role");
        }
        if (!controllers.isEmpty()) {
            throw invalid(NAMES
                    + " must not contain a value appearing in the 'listeners' configuration when running KRaft with"
                    + " just the broker role");
        }
        if (kafka.getBoolean(QuorumConfig.QUORUM_AUTO_JOIN_ENABLE_CONFIG)) {
            throw invalid(QuorumConfig.QUORUM_AUTO_JOIN_ENABLE_CONFIG
                    + " is only supported when process.roles contains the" + " 'controller' role.");
        }
    }

    /** An address of all interfaces is no address for others; the empty host stands for this machine's name. */
    private static String routable(String host) {
        return host.equals("0.0.0.0") || host.equals("::") ? "" : host;
    }

    private static Map<String, String> overrides(KafkaSettings kafka) {
        List<String> known = new ArrayList<>(QuorumConfig.CONFIG_DEF.names());
        known.addAll(MetadataLogConfig.CONFIG_DEF.names());
        known.remove(QuorumConfig.QUORUM_VOTERS_CONFIG);
        known.remove(QuorumConfig.QUORUM_BOOTSTRAP_SERVERS_CONFIG);
        Map<String, String> overrides = new TreeMap<>();
        Map<String, Object> originals = kafka.originals();
        for (String key : known) {
            Object value = originals.get(key);
            if (value != null) {
                overrides.put(key, value.toString());
            }
        }
        return overrides;
    }

    private static FreshetException invalid(String message) {
        return new FreshetException(ErrorKind.INVALID, message);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorMode;
import io.freshet.protocol.KafkaServerConfig;
import java.io.IOException;
import java.io.Reader;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.Endpoint;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.network.SocketServerConfigs;
import org.apache.kafka.raft.MetadataLogConfig;

/** One node's checked configuration. Immutable. All failures are INVALID and name the key. */
public final class ServerConfig {
    private static final String ADVERTISED = "advertised.listeners";

    private static final long LEAST_TAKEOVER_GRACE_MS = 600_000;

    private final KafkaSettings kafka;
    private final WalSettings wal;
    private final QuorumSettings quorum;
    private final Map<String, String> values;

    private ServerConfig(Map<String, String> values) {
        KeyCheck.check(values, KafkaSettings.DEFINITION.names());
        this.values = Map.copyOf(values);
        try {
            this.kafka = new KafkaSettings(values);
        } catch (ConfigException e) {
            throw new FreshetException(ErrorKind.INVALID, "Configuration refused: " + e.getMessage(), e);
        }
        if (kafka.nodeId() < 0) {
            throw new FreshetException(ErrorKind.INVALID, "node.id must be set to a number of 0 or more");
        }
        this.quorum = QuorumSettings.of(
                kafka,
                endpoints(SocketServerConfigs.LISTENERS_CONFIG),
                advertises() ? endpoints(ADVERTISED) : List.of());
        checkListeners();
        this.wal = WalSettings.of(kafka);
        checkTakeover();
    }

    /** Checks and types {@code values}, in the form of a server.properties file. */
    public static ServerConfig of(Map<String, String> values) {
        return new ServerConfig(values);
    }

    /** The same, for a server in this process: memory budgets that {@code values} leave open fit its direct memory. */
    public static ServerConfig forThisProcess(Map<String, String> values) {
        return of(MemoryDefaults.addTo(values, KafkaServerConfig.Limits.directMemoryBytes()));
    }

    /** Reads {@code file}, for a server in this process; {@code overrides} win over it. */
    public static ServerConfig load(Path file, Map<String, String> overrides) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Cannot read the configuration file " + file + ": " + e.getMessage(), e);
        }
        Map<String, String> values = new TreeMap<>();
        properties.stringPropertyNames().forEach(key -> values.put(key, properties.getProperty(key)));
        values.putAll(overrides);
        return forThisProcess(values);
    }

    /** All brokers must look for a block WAL where its owner writes it, and must have the time to bring it in. */
    private void checkTakeover() {
        Optional<Path> own = walPathOf(nodeId());
        if (own.isEmpty()) {
            return;
        }
        String configured = WalKeys.WAL_TAKEOVER_PATH + "=" + kafka.getString(WalKeys.WAL_TAKEOVER_PATH);
        if (!configured.contains(WalKeys.TAKEOVER_BROKER)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    configured + " does not say where the id of a broker comes: put " + WalKeys.TAKEOVER_BROKER
                            + " into it, as in /wals/{broker}.wal");
        }
        if (wal.runs(WalKeys.BLOCK) && !own.get().equals(walPath())) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Others would look for this broker's block WAL in " + own.get() + " (" + configured
                            + "), and it writes to " + walPath() + ": leave " + FreshetKeys.WAL_PATH + " out");
        }
        long graceMs = kafka.getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS);
        if (graceMs < LEAST_TAKEOVER_GRACE_MS) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    FreshetKeys.STORAGE_ORPHAN_GRACE_MS + "=" + graceMs
                            + " leaves no time to bring in others' WALs, as " + configured + " asks for: raise it to "
                            + LEAST_TAKEOVER_GRACE_MS + " or more");
        }
    }

    private void checkListeners() {
        if (quorum.isBroker() && clientListeners().isEmpty()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "listeners names no listener for clients; set listeners=PLAINTEXT://localhost:9092");
        }
        for (Endpoint endpoint : endpoints(SocketServerConfigs.LISTENERS_CONFIG)) {
            if (endpoint.securityProtocol() != SecurityProtocol.PLAINTEXT) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "Listener " + endpoint.listener() + " asks for " + endpoint.securityProtocol()
                                + ", but this version serves PLAINTEXT only; map it to PLAINTEXT in "
                                + "listener.security.protocol.map");
            }
        }
    }

    /** This node's part in the metadata quorum. */
    public QuorumSettings quorum() {
        return quorum;
    }

    /** Where the other controllers reach this one, an empty or unspecified host made this machine's name. */
    public String advertisedControllerHost() {
        return advertisedHost(quorum.advertisedHost());
    }

    /** Kafka's typed view. */
    public KafkaSettings kafka() {
        return kafka;
    }

    /** What the file and the overrides said, as text. */
    public Map<String, String> values() {
        return values;
    }

    public int nodeId() {
        return kafka.nodeId();
    }

    /** First log directory: home of everything that this node keeps on a local disk. */
    public Path dataDirectory() {
        return Path.of(kafka.logDirs().get(0)).toAbsolutePath().normalize();
    }

    /** Where the metadata log lives. */
    public Path metadataDirectory() {
        String configured = kafka.getString(MetadataLogConfig.METADATA_LOG_DIR_CONFIG);
        return configured == null || configured.isEmpty() ? dataDirectory() : Path.of(configured);
    }

    /** Whether and how the metadata log is copied into the object store. */
    public MirrorMode metadataMirror() {
        return MirrorMode.valueOf(kafka.getString(FreshetKeys.METADATA_MIRROR).toUpperCase(Locale.ROOT));
    }

    public Path walPath() {
        String configured = kafka.getString(FreshetKeys.WAL_PATH);
        return configured.isEmpty()
                ? walPathOf(nodeId())
                        .orElseGet(() -> dataDirectory().resolve("wal").resolve("block.wal"))
                : Path.of(configured);
    }

    /** Where the block WAL of another broker lies, if this one is to look for it. */
    public Optional<Path> walPathOf(int brokerId) {
        String configured = kafka.getString(WalKeys.WAL_TAKEOVER_PATH);
        return configured.isEmpty()
                ? Optional.empty()
                : Optional.of(Path.of(configured.replace(WalKeys.TAKEOVER_BROKER, Integer.toString(brokerId))));
    }

    /** The WAL lanes. */
    public WalSettings wal() {
        return wal;
    }

    public long tailCacheBytes() {
        return kafka.getLong(FreshetKeys.CACHE_TAIL_BYTES);
    }

    /** URI of the object store. */
    public String storageUri() {
        String configured = kafka.getString(FreshetKeys.STORAGE_URI);
        return configured.isEmpty() ? dataDirectory().resolve("objects").toUri().toString() : configured;
    }

    /** Whether the object store is a folder within the data directory. */
    public boolean isStoreInDataDirectory() {
        return storageUri().startsWith(dataDirectory().toUri().toString());
    }

    /** {@code host:port} of the HTTP listener; empty if it is switched off. */
    public String httpListener() {
        return kafka.getString(FreshetKeys.HTTP_LISTENER).trim();
    }

    /** Listeners for clients: all but the controllers'. Hosts are as written (empty: all interfaces). */
    public List<Endpoint> clientListeners() {
        return endpoints(SocketServerConfigs.LISTENERS_CONFIG).stream()
                .filter(endpoint -> !kafka.controllerListenerNames().contains(endpoint.listener()))
                .toList();
    }

    /**
     * The endpoints to tell clients, given the ports that were really bound.
     *
     * @param boundPorts listener name to port
     */
    public List<Endpoint> advertisedListeners(Map<String, Integer> boundPorts) {
        List<Endpoint> source = advertises() ? endpoints(ADVERTISED) : clientListeners();
        return source.stream()
                .filter(endpoint -> boundPorts.containsKey(endpoint.listener()))
                .map(endpoint -> new Endpoint(
                        endpoint.listener(),
                        endpoint.securityProtocol(),
                        advertisedHost(endpoint.host()),
                        endpoint.port() == 0 ? boundPorts.getOrDefault(endpoint.listener(), 0) : endpoint.port()))
                .toList();
    }

    private boolean advertises() {
        return !kafka.originals().getOrDefault(ADVERTISED, "").toString().isBlank();
    }

    private List<Endpoint> endpoints(String key) {
        try {
            Map<ListenerName, SecurityProtocol> protocols = kafka.effectiveListenerSecurityProtocolMap();
            return org.apache.kafka.server.config.AbstractKafkaConfig.listenerListToEndPoints(
                    kafka.getList(key), protocols);
        } catch (IllegalArgumentException | ConfigException e) {
            throw new FreshetException(ErrorKind.INVALID, key + " cannot be understood: " + e.getMessage(), e);
        }
    }

    private static String advertisedHost(String host) {
        if (host != null && !host.isEmpty() && !host.equals("0.0.0.0") && !host.equals("::")) {
            return host;
        }
        try {
            return InetAddress.getLocalHost().getCanonicalHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}

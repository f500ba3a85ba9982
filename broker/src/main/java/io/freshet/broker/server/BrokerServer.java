// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.inspect.BalanceQueries;
import io.freshet.broker.inspect.StoragePages;
import io.freshet.broker.inspect.StorageQueries;
import io.freshet.broker.load.LoadReporter;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.partition.Ownership;
import io.freshet.broker.partition.Partitions;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.console.ConsoleServer;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.mirror.MirrorSettings;
import io.freshet.objectstore.ObjectStore;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServer;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.KafkaServers;
import io.freshet.protocol.Listener;
import io.freshet.storage.StreamStorage;
import io.freshet.wal.block.BlockDevice;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.stream.Collectors;
import org.apache.kafka.metadata.BrokerRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node that serves clients, voter or not. {@link #start} returns when clients are served; {@link #close} uploads what the WAL holds and
 * stops everything in reverse order.
 */
public final class BrokerServer implements NodeServer {
    private static final Logger LOG = LoggerFactory.getLogger(BrokerServer.class);
    private static final Duration LAST_UPLOAD_TIMEOUT = Duration.ofSeconds(20);
    private static final int STORAGE_PAGES_QUEUE = 64;

    private final ServerConfig config;
    private final WalDevices walDevices;
    private final OpenedParts opened = new OpenedParts();
    private final Runtime runtime;
    private final Readiness readiness;
    private final EndOfService endOfService;
    private final Wired wired;
    private final long startMs;
    private boolean closed;

    private BrokerServer(
            ServerConfig config,
            WalDevices walDevices,
            boolean mayFormat,
            Readiness readiness,
            EndOfService endOfService) {
        this.walDevices = walDevices;
        this.config = config;
        this.readiness = readiness;
        this.endOfService = endOfService;
        Clock clock = Clock.system();
        long begin = clock.nanoTime();
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        opened.add("metrics", meters::close);
        this.runtime = new Runtime(
                clock, opened.add("scheduler", Threads.scheduler("freshet-scheduler")), Randomness.secure(), meters);
        try {
            this.wired = wire(mayFormat);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        this.startMs = (clock.nanoTime() - begin) / 1_000_000;
    }

    /**
     * Starts a node in a formatted directory, or, with {@code metadata.mirror=sync}, in one that is restored from the bucket.
     * Fails with INVALID for a wrong configuration or an unformatted directory,
     * UNAVAILABLE for a port, disk or store that cannot be had, CORRUPT for a damaged WAL; then nothing is left running.
     */
    public static BrokerServer start(ServerConfig config) {
        return start(config, WalDevices.ofThisMachine());
    }

    /** The same, with another way to the block lane's device. */
    public static BrokerServer start(ServerConfig config, WalDevices walDevices) {
        return joined(config, walDevices, false);
    }

    /** The same; a directory that is not formatted and cannot be restored becomes that of a new cluster. */
    public static BrokerServer startOrFormat(ServerConfig config) {
        return joined(config, WalDevices.ofThisMachine(), true);
    }

    /** A process that stands still while it starts may come too late for its own session; then it registers once more. */
    private static BrokerServer joined(ServerConfig config, WalDevices walDevices, boolean mayFormat) {
        while (true) {
            Readiness readiness = new Readiness();
            EndOfService endOfService = new EndOfService(reason -> readiness.phase("stopping: " + reason));
            try {
                return new BrokerServer(config, walDevices, mayFormat, readiness, endOfService);
            } catch (FreshetException e) {
                if (!endOfService.mayRejoin()) {
                    throw e;
                }
                LOG.warn("The session of broker {} ended while it was starting; it starts anew", config.nodeId());
            }
        }
    }

    private Wired wire(boolean mayFormat) {
        HttpWiring http = new HttpWiring(config, runtime);
        http.bindProcessMetrics(opened);
        StorageQueries queries = queries();
        BalanceQueries balance = new BalanceQueries(queries);
        Optional<ConsoleServer> console = http.start(readiness, balance, opened);
        MetadataHome home = new MetadataHome(config, runtime);
        home.requireUsable(mayFormat);
        StorageWiring storageWiring = new StorageWiring(config, runtime);
        WalWiring walWiring = new WalWiring(config, runtime, walDevices);
        MetadataWiring metadataWiring = new MetadataWiring(config, runtime);
        Early<ObjectStore> earlyStore = Early.start("freshet-start-store", storageWiring::openStore);
        opened.add("object store of a failed start", earlyStore);
        Optional<Early<BlockDevice>> device = walWiring.needsDevice()
                ? Optional.of(Early.start("freshet-start-wal", walWiring::openDevice))
                : Optional.empty();
        device.ifPresent(early -> opened.add("WAL of a failed start", early));
        readiness.phase("checking the object store");
        ObjectStore store = opened.add("object store", earlyStore.take());
        Optional<MirrorSettings> mirror = home.prepare(store, mayFormat);
        readiness.phase("replaying the metadata log");
        MetadataNode metadata = metadataWiring.start(mirror, opened);
        readiness.phase("registering the broker");
        StartGate gate = new StartGate();
        KafkaServer network = startNetwork(gate);
        QuorumWalRegistry walRegistry = new QuorumWalRegistry(metadata);
        RegisteredBroker registered = metadataWiring.register(
                metadata, network.boundPorts(), walWiring.laneNames(walRegistry.wals(config.nodeId())));
        Membership membership = opened.add("membership", metadataWiring.membership(metadata));
        endOfService.watchMembership(membership);
        membership.start(registered.brokerEpoch());
        readiness.phase("recovering the write-ahead log");
        TakeoverWiring takeover = new TakeoverWiring(config, runtime, store, metadata, opened);
        StreamStorage streams = storageWiring.openStreams(
                store,
                walWiring.lanes(store, device, walRegistry, registered.brokerEpoch(), opened),
                takeover.sealedWals(),
                new QuorumMetadata(metadata),
                registered.brokerEpoch(),
                opened);
        takeover.start(registered.brokerEpoch(), walDevices, opened);
        new CompactionWiring(config, runtime).start(store, metadata, streams, registered.brokerEpoch(), opened);
        opened.add("last upload", () -> uploadRest(streams, membership));
        readiness.phase("opening partitions");
        KafkaWiring kafka = new KafkaWiring(config, runtime, metadataWiring.brokerConfigs(), membership.lease());
        Partitions partitions = kafka.start(metadata, streams, registered.brokerEpoch(), store, opened);
        metadataWiring.registerQuorumApis(kafka.router());
        queries.serve(metadata, new QuorumReads(metadata), partitions::log, walWiring::acknowledgedEndSlot);
        balance.serve(metadata, bootstrap(network));
        opened.add(
                "load reports",
                new LoadReporter(
                        new Ownership(config.nodeId(), registered.brokerEpoch()),
                        partitions::open,
                        report -> metadata.controller().reportLoads(report),
                        runtime.clock(),
                        runtime.scheduler()));
        Waiting.on("the broker's first heartbeat", MetadataWiring.QUORUM_TIMEOUT, membership.ready());
        opened.add("network", network);
        gate.open(kafka.router());
        endOfService.watchMetadata(metadata.fault());
        endOfService.watchRegistration(metadata, new Ownership(config.nodeId(), registered.brokerEpoch()));
        var watching = endOfService.watchWal(walWiring::failure, runtime.scheduler());
        opened.add("watch over the WAL", watching::cancel);
        readiness.ready(() -> complaints(streams, walWiring));
        return new Wired(metadata, store, network, console, home.origin(), registered.brokerEpoch(), membership);
    }

    private static List<String> complaints(StreamStorage streams, WalWiring walWiring) {
        List<String> complaints = new ArrayList<>();
        if (streams.isOverloaded()) {
            complaints.add("uploads lag behind appends: the object store is slow or unreachable");
        }
        streams.failedLanes()
                .forEach((lane, why) -> complaints.add("WAL lane " + lane
                        + " has failed, writes to it are refused until it" + " works again: " + why.getMessage()));
        walWiring
                .stalledBy()
                .ifPresent(why -> complaints.add("the s3 WAL lane waits for the object store: " + why.getMessage()));
        return complaints;
    }

    private StorageQueries queries() {
        ExecutorService pages = Threads.pool("freshet-storage-pages", 1, STORAGE_PAGES_QUEUE);
        opened.add("storage pages", () -> Threads.stop(pages, Duration.ofSeconds(5)));
        return new StorageQueries(
                pages,
                () -> new StoragePages.Overview(
                        MetadataFormat.clusterId(config.metadataDirectory()),
                        config.nodeId(),
                        config.storageUri(),
                        config.kafka().getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS),
                        config.kafka().getLong(FreshetKeys.STORAGE_DELETE_GRACE_MS),
                        runtime.clock().wallMs()));
    }

    private KafkaServer startNetwork(StartGate gate) {
        List<Listener> listeners = config.clientListeners().stream()
                .map(endpoint -> new Listener(
                        endpoint.listener(),
                        endpoint.host() == null || endpoint.host().isEmpty() ? "0.0.0.0" : endpoint.host(),
                        endpoint.port()))
                .toList();
        KafkaServerConfig defaults = KafkaServerConfig.defaults(listeners);
        var kafka = config.kafka();
        KafkaServerConfig settings = defaults.withLimits(defaults.limits()
                .withMaxFrameBytes(kafka.socketRequestMaxBytes())
                .withMaxConnections(kafka.maxConnections(), kafka.maxConnectionsPerIp())
                .withIdleMs(kafka.connectionsMaxIdleMs()));
        KafkaServer network =
                KafkaServers.start(settings, gate, EnabledApis.stable(), runtime.meters(), runtime.clock());
        opened.add("network of a failed start", network);
        return network;
    }

    /** A clean stop leaves nothing in the WAL to recover; a store that does not answer only makes the next start slower. */
    private void uploadRest(StreamStorage streams, Membership membership) {
        try {
            Departure.await(
                    "the last upload", LAST_UPLOAD_TIMEOUT, streams.uploadNow(), membership.lease(), runtime.clock());
        } catch (FreshetException e) {
            LOG.warn("The WAL was not emptied before the stop; the next start recovers it. {}", e.getMessage());
        }
    }

    /** {@code host:port} list for clients' bootstrap.servers. */
    public String bootstrap() {
        return bootstrap(wired.network);
    }

    private String bootstrap(KafkaServer network) {
        return config.advertisedListeners(network.boundPorts()).stream()
                .map(endpoint -> endpoint.host() + ":" + endpoint.port())
                .collect(Collectors.joining(","));
    }

    /** {@code host:port} of the HTTP listener, if it is on. */
    public Optional<String> httpAddress() {
        String listener = config.httpListener();
        return wired.console.map(
                console -> listener.substring(0, listener.lastIndexOf(':')) + ":" + console.boundPort());
    }

    public String storeDescription() {
        return wired.store.describe();
    }

    /** One sentence if the metadata directory was formatted or restored by this start, else nothing. */
    public String origin() {
        return wired.origin;
    }

    public String clusterId() {
        return wired.metadata.clusterId();
    }

    @Override
    public CompletableFuture<FreshetException> failure() {
        return endOfService.failure();
    }

    /**
     * After {@link #failure}: whether it came from nothing but a lapsed session, so that a start anew in this process joins
     * the cluster again. Not if another process has this broker's id, nor if the metadata failed.
     */
    @Override
    public boolean mayRejoin() {
        if (!endOfService.mayRejoin() || wired.metadata.fault().isDone()) {
            return false;
        }
        BrokerRegistration known = wired.metadata.image().cluster().broker(config.nodeId());
        return known == null || known.epoch() <= wired.brokerEpoch;
    }

    /** The metadata of this node, for tests. */
    MetadataNode metadata() {
        return wired.metadata;
    }

    /** Milliseconds from the call of {@link #start} until clients were served. */
    public long startMs() {
        return startMs;
    }

    @Override
    public String describe() {
        return "node " + config.nodeId() + " of cluster " + clusterId() + " on " + bootstrap() + ", objects in "
                + storeDescription() + ", started in " + startMs + " ms";
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (!endOfService.failure().isDone()) {
                readiness.phase("stopping: partitions move to other brokers");
                new Departure(config, wired.metadata, wired.membership, runtime.clock()).await();
                readiness.phase("stopping");
            }
            opened.close();
        }
    }

    private record Wired(
            MetadataNode metadata,
            ObjectStore store,
            KafkaServer network,
            Optional<ConsoleServer> console,
            String origin,
            long brokerEpoch,
            Membership membership) {}
}

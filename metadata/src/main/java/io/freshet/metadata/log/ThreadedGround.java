// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.record.MetadataLogSerde;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.FileQuorumStateStore;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.KafkaRaftClientDriver;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.raft.TimingWheelExpirationService;
import org.apache.kafka.raft.internals.KafkaRaftLog;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.server.fault.FaultHandler;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.server.util.timer.SystemTimer;
import org.apache.kafka.snapshot.SnapshotWriter;
import org.apache.kafka.snapshot.Snapshots;
import org.jspecify.annotations.Nullable;

/** Files, and a thread that polls. */
final class ThreadedGround implements RaftGround {
    private final Path logDirectory;
    private final KafkaScheduler scheduler = new KafkaScheduler(1, true, "freshet-raft-scheduler");
    private final SystemTimer timer = new SystemTimer("freshet-raft-expiration");
    private final TimingWheelExpirationService expiration = new TimingWheelExpirationService(timer);
    private @Nullable KafkaRaftClient<ApiMessageAndVersion> client;
    private @Nullable LogContext context;
    private @Nullable KafkaRaftClientDriver<ApiMessageAndVersion> driver;

    /** @param directory the metadata directory */
    ThreadedGround(Path directory) {
        this.logDirectory = directory.resolve(Topic.CLUSTER_METADATA_TOPIC_NAME + "-0");
    }

    @Override
    public RaftLog open(RaftLogSettings settings, Time time) {
        scheduler.startup();
        try {
            Files.createDirectories(logDirectory);
            KafkaRaftLog kafkas = KafkaRaftLog.createLog(
                    Topic.CLUSTER_METADATA_TOPIC_PARTITION,
                    Uuid.METADATA_TOPIC_ID,
                    logDirectory.toFile(),
                    time,
                    scheduler,
                    settings.logConfig(),
                    settings.nodeId().orElse(-1));
            return new LeanFlushLog(kafkas, logDirectory);
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot open the metadata log in " + logDirectory + ": " + e.getMessage()
                            + "; check the disk and the directory's rights",
                    e);
        }
    }

    @Override
    public KafkaRaftClient<ApiMessageAndVersion> client(ClientParts parts) {
        RaftLogSettings settings = parts.settings();
        KafkaRaftClient<ApiMessageAndVersion> made = new KafkaRaftClient<>(
                settings.nodeId(),
                settings.directoryId(),
                new MetadataLogSerde(),
                parts.channel(),
                parts.log(),
                parts.time(),
                expiration,
                parts.context(),
                settings.isVoterCapable(),
                settings.clusterId(),
                settings.bootstrapAddresses(),
                settings.ownEndpoints(parts.channel().listenerName()),
                Feature.KRAFT_VERSION.supportedVersionRange(),
                settings.quorumConfig());
        client = made;
        context = parts.context();
        return made;
    }

    @Override
    public QuorumStateStore votes() {
        return new FileQuorumStateStore(
                logDirectory.resolve(FileQuorumStateStore.DEFAULT_FILE_NAME).toFile());
    }

    @Override
    public void start(FaultHandler onFault) {
        KafkaRaftClientDriver<ApiMessageAndVersion> started = new KafkaRaftClientDriver<>(
                Objects.requireNonNull(client), "freshet-raft", onFault, Objects.requireNonNull(context));
        driver = started;
        started.start();
    }

    @Override
    public SnapshotWriter<ApiMessageAndVersion> steady(SnapshotWriter<ApiMessageAndVersion> writer) {
        return SteadySnapshotWriter.of(writer, logDirectory);
    }

    @Override
    public long snapshotBytes(OffsetAndEpoch id) {
        return Snapshots.snapshotPath(logDirectory, id).toFile().length();
    }

    @Override
    public void stopTimers() {
        RaftMetadataLog.quietly("expiration service", expiration::shutdown);
        RaftMetadataLog.quietly("expiration timer", timer::close);
    }

    @Override
    public void stopClient() throws InterruptedException {
        KafkaRaftClientDriver<ApiMessageAndVersion> running = driver;
        if (running != null) {
            running.shutdown();
        } else if (client != null) {
            client.close();
        }
    }

    @Override
    public void stopScheduler() throws InterruptedException {
        scheduler.shutdown();
    }
}

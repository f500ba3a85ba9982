// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotReader;
import org.apache.kafka.snapshot.SnapshotWriter;

/** One replicated, ordered log of metadata records. Safe for use by many threads. */
public interface MetadataLog extends AutoCloseable {
    /** Begins to take part; {@code listener} hears everything from the newest snapshot on. Called once. */
    void start(Listener listener);

    /**
     * Prepares {@code records} as one batch, all of it committed or none. Nothing is written before {@link #flush()}.
     *
     * @return the log offset that the last record will have, if it becomes committed
     * @throws io.freshet.common.FreshetException UNAVAILABLE if this node does not lead in {@code leaderEpoch}; INVALID if
     *     the batch is too large; THROTTLED if too much is waiting
     */
    long append(int leaderEpoch, List<ApiMessageAndVersion> records);

    /** Has everything that was prepared written, flushed to the disk, and replicated. */
    void flush();

    LeaderAndEpoch leaderAndEpoch();

    /** Where the controller listener of voter {@code voterId} is; empty if the voter set that is known here lacks it. */
    default Optional<Node> voter(int voterId) {
        return Optional.empty();
    }

    /** The ids of the voter set that is known here. */
    default Set<Integer> voterIds() {
        return Set.of();
    }

    /** Where the controller listener of {@code nodeId}, which leads or votes, is; empty if that is not known here. */
    default Optional<Node> place(int nodeId) {
        return voter(nodeId);
    }

    /** A voter has said that {@code leader}, whose controller listener is there, was elected in {@code epoch}. */
    default void named(Node leader, int epoch) {}

    /** When a leader last answered this follower, whichever it was, on the monotonic clock; empty if none has since the start. */
    default OptionalLong leaderHeardAtNs() {
        return OptionalLong.empty();
    }

    /** Whether another node votes, as far as this one knows, which could lead in its place. */
    default boolean hasOtherVoters() {
        return true;
    }

    /** This node's id in the quorum. */
    int nodeId();

    /** The end of what is known to be committed (exclusive); empty before a leader has said so. */
    OptionalLong highWatermark();

    /** The end of what lies in this node's own log (exclusive), committed or not. */
    long endOffset();

    /** The size of the newest snapshot's file; 0 if there is none. */
    default long snapshotBytes() {
        return 0;
    }

    /** A writer for the state before {@code end}; empty if that snapshot is there already. */
    Optional<SnapshotWriter<ApiMessageAndVersion>> createSnapshot(OffsetAndEpoch end, long lastContainedLogTimeMs);

    /** Gives up leadership of {@code leaderEpoch}, after this node found that it cannot lead. */
    void resign(int leaderEpoch);

    /** The quorum's state, as Kafka's DescribeQuorum answers it; only the leader knows. */
    CompletableFuture<DescribeQuorumResponseData> describeQuorum();

    /**
     * Answers a peer's Raft request (votes, fetches of log and snapshot, changes of the voter set). The answer may hold
     * slices of files: write it out at once.
     */
    CompletableFuture<ApiMessage> answer(ApiMessage request, short apiVersion);

    @Override
    void close();

    /** Hears of the log, in order, on the log's own thread; must hand work over at once. Readers must be closed. */
    interface Listener {
        void onCommit(BatchReader<ApiMessageAndVersion> batches);

        void onSnapshot(SnapshotReader<ApiMessageAndVersion> snapshot);

        /** The records that the directory was formatted with; not part of the log until a leader appends them. */
        void onBootstrap(SnapshotReader<ApiMessageAndVersion> bootstrap);

        void onLeaderChange(LeaderAndEpoch leader);

        /** The log has stopped for good: restart the process from disk. */
        void onFault(Throwable fault);
    }
}

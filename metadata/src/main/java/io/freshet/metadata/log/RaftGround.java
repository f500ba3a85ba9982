// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.QuorumStateStore;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.server.fault.FaultHandler;
import org.apache.kafka.snapshot.SnapshotWriter;

/**
 * What Raft's client stands on: where its log and its votes lie, what polls it, and who tells it that a time is over. Of one
 * {@link RaftMetadataLog}, which calls {@link #open} and {@link #client} once, in this order. A simulation brings its own.
 */
public interface RaftGround {
    /** Opens the log, its snapshots included. */
    RaftLog open(RaftLogSettings settings, Time time);

    /** Makes the client that nobody polls yet. */
    KafkaRaftClient<ApiMessageAndVersion> client(ClientParts parts);

    /** The votes of this node, which must be durable before they are cast. */
    QuorumStateStore votes();

    /** Polls the client, which is initialized, from now on; whatever it throws is for {@code onFault}. */
    void start(FaultHandler onFault);

    /** Writes to the disk, as it goes, what {@code writer} is given. */
    SnapshotWriter<ApiMessageAndVersion> steady(SnapshotWriter<ApiMessageAndVersion> writer);

    /** The size of a snapshot that is complete. */
    long snapshotBytes(OffsetAndEpoch id);

    /** No request that waits expires any more. */
    void stopTimers();

    /** Ends the polling, if it began, and closes the client. */
    void stopClient() throws InterruptedException;

    /** Ends what the log does in the background. */
    void stopScheduler() throws InterruptedException;

    /**
     * What a client is made of, beside the ground's own.
     *
     * @param log as opened
     */
    record ClientParts(RaftLogSettings settings, NetworkChannel channel, RaftLog log, Time time, LogContext context) {}
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.LoadReport;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.requests.ApiError;

/**
 * Commands to the quorum, in Kafka's own message types where Kafka has the operation. A future completes when the
 * command is committed and applied on this node; per-item failures are inside the result with Kafka's error codes. It
 * fails with UNAVAILABLE (no active controller was found; nothing was done), THROTTLED (too much waits), FENCED (old broker
 * epoch), INVALID (also: the active controller's version does not know the command) or INDETERMINATE (whether it was done
 * is not known: leadership or an answer was lost, or this node has not applied it in time). From a node that does not lead,
 * commands whose repeat does no harm are repeated instead; creating, deleting and altering topics and configurations is not.
 */
public interface ClusterController extends StateQueries {
    /** Makes topics and their streams; manual assignments and replication factors are accepted, owners are placed evenly. */
    CompletableFuture<CreateTopicsResponseData> createTopics(CreateTopicsRequestData request, Set<String> describable);

    CompletableFuture<Map<Uuid, ApiError>> deleteTopics(List<Uuid> topicIds);

    CompletableFuture<List<CreatePartitionsTopicResult>> createPartitions(
            List<CreatePartitionsTopic> topics, boolean validateOnly);

    /**
     * @param changes per resource: config name to operation and value (value null for DELETE)
     */
    CompletableFuture<Map<ConfigResource, ApiError>> incrementalAlterConfigs(
            Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly);

    /** AlterConfigs, the older call that replaces a resource's whole configuration. */
    CompletableFuture<Map<ConfigResource, ApiError>> legacyAlterConfigs(
            Map<ConfigResource, Map<String, String>> configs, boolean validateOnly);

    /** A block of producer ids for one broker. */
    CompletableFuture<IdRange> allocateProducerIds(int brokerId, long brokerEpoch);

    /**
     * Registers one process as broker {@code registration.brokerId()} under a new broker epoch: fences an older process of
     * that id and gives every partition it owns a new leader epoch. The broker is fenced, which keeps clients and new
     * partitions away, until a {@link #heartbeat} says that it is ready. Its session begins now.
     */
    CompletableFuture<RegisteredBroker> registerBroker(BrokerSpec registration);

    /** Tells what a controller's process knows, once for each start; a repeat is without effect. */
    CompletableFuture<Void> registerController(ControllerSpec registration);

    /**
     * Raises levels of features, all of those named or none; the answer says why not: a node that is too old, a level that is
     * lower than the present one, a feature that cannot be changed.
     */
    CompletableFuture<ApiError> updateFeatures(UpdateFeaturesRequestData request);

    /**
     * Prolongs a broker's session. UNAVAILABLE if this node does not lead; FENCED if the registration is not the newest. The
     * answer says if its session was over before this call: then its process has to register anew. Completes when what
     * follows from it (unfencing, controlled shutdown) is committed and applied here; otherwise it does not wait for other
     * commands. May be repeated.
     */
    CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat);

    /** Reassigns replicas, with Kafka's rules and errors; a move of the leader is a wish until the leader has handed over. */
    CompletableFuture<AlterPartitionReassignmentsResponseData> alterPartitionReassignments(
            AlterPartitionReassignmentsRequestData request);

    /** Preferred elections become wishes that the leaders fulfil; unclean ones give up what only a dead broker has. */
    CompletableFuture<ElectLeadersResponseData> electLeaders(ElectLeadersRequestData request);

    /**
     * The broker has stopped these partitions and committed all of their records: makes the targets their leaders, under
     * new leader epochs, and fulfils wishes and reassignments. Completes, in the order of {@code partitions}, with whether
     * each has moved; one that has not (led elsewhere, other leader epoch, target not serving) is the broker's as before. A
     * partition whose target is the broker itself stays there under a new leader epoch: an earlier command for it whose
     * outcome is not known can never be done after that.
     * FENCED if {@code brokerEpoch} is not the broker's present registration or its session is over; INVALID for
     * more than 20,000 at once.
     */
    CompletableFuture<List<Boolean>> handOver(int brokerId, long brokerEpoch, List<PartitionHandOver> partitions);

    /**
     * Whether the operator wants nothing on this broker: then it gets no more partitions, and wishes to move those away
     * that it leads. Repeating is without effect; fails with Kafka's BrokerIdNotRegisteredException.
     */
    CompletableFuture<Void> drainBroker(int brokerId, boolean isDrained);

    /** Forgets a broker that is gone; fails with Kafka's exceptions if it was never there or its session goes on. */
    CompletableFuture<Void> unregisterBroker(int brokerId);

    /**
     * What a broker has measured, for balancing: soft state of the active controller, not in the log. FENCED if
     * {@code brokerEpoch} is not the broker's present registration. May be repeated.
     */
    CompletableFuture<Void> reportLoads(LoadReport report);

    /** How even the brokers are, what would move next and why, or why nothing does. Changes nothing. */
    CompletableFuture<BalanceDescription> describeBalance();

    /** A block of object ids for one broker, never given out again. */
    CompletableFuture<IdRange> reserveObjectIds(int count);

    /** Adds an object's segments to their manifests; completes with the stream ids that were refused. */
    CompletableFuture<Set<Long>> commitObject(ObjectCommit commit);

    /**
     * Compare-and-swap of segments, stream by stream; completes with the stream ids that were refused because a removed
     * segment is not in the manifest as named (start, end, object), or the stream is gone. Objects without live segments
     * become retired, new ones as well. INVALID, with nothing changed, if a stream's segments have gaps or do not cover
     * the same offsets, or name an object that is not listed or was never reserved; a segment without bytes is valid.
     * A repeat (known by its objects) is answered as the first, as long as what was inserted stands.
     */
    CompletableFuture<Set<Long>> replaceSegments(SegmentReplacement replacement);

    /**
     * Asks for the sole right to do a job for {@code durationMs} (at most an hour) from now, on the active controller's
     * clock; the holder may ask again before that. False if another broker has it. Not durable: a new controller knows of
     * none, so the job itself must be safe without.
     */
    CompletableFuture<Boolean> leaseJob(String job, int brokerId, long brokerEpoch, long durationMs);

    /** Moves a stream's start offset up and retires objects that no live segment names any more. */
    CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset);

    /** Forgets retired objects that are gone from the store. */
    CompletableFuture<Void> forgetObjects(List<Long> objectIds);

    /**
     * An S3 WAL that its owner is about to write. FENCED unless {@code brokerEpoch} is the broker's present registration
     * and its WAL is neither sealed nor retired.
     */
    CompletableFuture<Void> openWal(int brokerId, long brokerEpoch);

    /**
     * The WAL ends, whoever says so. Repeating the same seal succeeds; another one, one below what is trimmed, and one of
     * a WAL that is not open are INVALID.
     */
    CompletableFuture<Void> sealWal(WalSeal seal);

    /**
     * Everything that other lanes of a dead broker's registration held lies in a sealed S3 WAL now, which becomes known with
     * this: nobody has to wait for the broker any more.
     *
     * @param brokerEpoch the registration that is over; FENCED if it is not the broker's newest, or not over
     * @param seal of the WAL, under the broker's id and a later epoch that no registration has; without streams if there was nothing,
     *     then no WAL becomes known. INVALID if others' records were brought in before
     */
    CompletableFuture<Void> importWal(int brokerId, long brokerEpoch, WalSeal seal);

    /**
     * Slots below {@code startSlot} are not needed any more; never moves back. While the WAL is open, FENCED unless
     * {@code brokerEpoch} is the broker's present registration, and UNAVAILABLE while that is fenced. Once it is sealed
     * anybody may ask, but only for all of it (the seal's end slot), and only when manifests reach every end that the seal
     * names, or the stream is gone: else INVALID, ask again later. Once it is retired, without effect.
     */
    CompletableFuture<Void> trimWal(int brokerId, long brokerEpoch, long startSlot);

    /** Forgets a sealed WAL, which can never be opened again; INVALID if it is still open. */
    CompletableFuture<Void> retireWal(int brokerId, long brokerEpoch);

    /**
     * A read barrier: when it completes, this node has applied everything that was committed anywhere before the call. Costs
     * one write of the log.
     */
    CompletableFuture<Void> barrier();

    /** One change to one configuration key. */
    record ConfigChange(
            org.apache.kafka.clients.admin.AlterConfigOp.OpType operation,
            @org.jspecify.annotations.Nullable String value) {}

    /**
     * A broker process that wants to join.
     *
     * @param incarnationId new for every process start
     * @param listeners listener name to advertised endpoint, in configuration order
     * @param rack rack or zone, null if unknown
     * @param walLanes the WAL lanes that may hold records of this process, the default first
     * @param versions the levels of {@link FreshetVersion} that it knows
     */
    record BrokerSpec(
            int brokerId,
            Uuid incarnationId,
            List<Endpoint> listeners,
            @org.jspecify.annotations.Nullable String rack,
            List<String> walLanes,
            FreshetVersion.Range versions) {
        /** One of this version. */
        public BrokerSpec(
                int brokerId,
                Uuid incarnationId,
                List<Endpoint> listeners,
                @org.jspecify.annotations.Nullable String rack,
                List<String> walLanes) {
            this(brokerId, incarnationId, listeners, rack, walLanes, FreshetVersion.SUPPORTED);
        }

        /** A broker without WAL lanes. */
        public BrokerSpec(
                int brokerId,
                Uuid incarnationId,
                List<Endpoint> listeners,
                @org.jspecify.annotations.Nullable String rack) {
            this(brokerId, incarnationId, listeners, rack, List.of());
        }
    }

    /**
     * A process that may vote.
     *
     * @param incarnationId new for every process start
     * @param listeners the controller listeners, as others reach them; none for a quorum of one for good
     * @param versions the levels of {@link FreshetVersion} that it knows
     */
    record ControllerSpec(int nodeId, Uuid incarnationId, List<Endpoint> listeners, FreshetVersion.Range versions) {}

    /**
     * A sign of life of one registration.
     *
     * @param appliedOffset how far the broker's own metadata are
     * @param isReady whether it can serve clients
     * @param wantsShutdown whether it asks to be relieved of what it leads, to stop then
     */
    record BrokerHeartbeat(
            int brokerId, long brokerEpoch, long appliedOffset, boolean isReady, boolean wantsShutdown) {}

    /**
     * @param isFenced whether the broker is (still) kept from clients
     * @param mayShutDown whether it asked to stop and leads nothing any more, or nobody could take it
     * @param isOver whether the session of this registration is over, for good
     * @param sessionTimeoutMs for how long the session lasts from the heartbeat's arrival on
     */
    record HeartbeatAnswer(boolean isFenced, boolean mayShutDown, boolean isOver, long sessionTimeoutMs) {}

    /** A partition, led under {@code leaderEpoch} by the one who names it, and the broker that is to lead it next. */
    record PartitionHandOver(Uuid topicId, int partition, int leaderEpoch, int targetBrokerId) {}

    /** One advertised endpoint. */
    record Endpoint(String listenerName, String securityProtocol, String host, int port) {}

    /** The new registration: its epoch, and the log offset to wait for before serving. */
    record RegisteredBroker(long brokerEpoch, long offset) {}
}

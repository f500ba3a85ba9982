// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.util.Iterator;
import java.util.concurrent.CompletionStage;
import java.util.function.IntPredicate;
import org.apache.kafka.common.message.BeginQuorumEpochResponseData;
import org.apache.kafka.common.message.EndQuorumEpochRequestData;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.Endpoints;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;

/**
 * A channel on which Raft's client survives changes of the voters. Without it Kafka's client (4.4.0) stops in two cases.
 *
 * <ul>
 *   <li>A leader that has lost its vote says to the others that it leads no more, but not where it is. One that has not heard of its epoch yet, and
 *       knows the new voters, cannot place it. The request has a field for the place, which is filled here.
 *   <li>A voter answers that it has heard of the new leader when it has just lost its vote. Such an answer counts as an unavailable node's.
 * </ul>
 */
@SuppressWarnings("try") // close() may throw what the interface lets it
final class VoterChangeChannel implements NetworkChannel {
    private final NetworkChannel owned;
    private final Endpoints ownPlace;
    private final IntPredicate isVoter;

    /** @param isVoter whether the last voters in the log have a node; asked on Raft's thread */
    VoterChangeChannel(NetworkChannel owned, Endpoints ownPlace, IntPredicate isVoter) {
        this.owned = owned;
        this.ownPlace = ownPlace;
        this.isVoter = isVoter;
    }

    @Override
    public int newCorrelationId() {
        return owned.newCorrelationId();
    }

    @Override
    public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
        if (request.data() instanceof EndQuorumEpochRequestData end
                && end.leaderEndpoints().isEmpty()) {
            end.setLeaderEndpoints(place());
        }
        return owned.send(request).thenApply(this::received);
    }

    private EndQuorumEpochRequestData.LeaderEndpointCollection place() {
        EndQuorumEpochRequestData.LeaderEndpointCollection place =
                new EndQuorumEpochRequestData.LeaderEndpointCollection();
        for (Iterator<VotersRecord.Endpoint> all = ownPlace.votersRecordEndpoints(); all.hasNext(); ) {
            VotersRecord.Endpoint one = all.next();
            place.add(new EndQuorumEpochRequestData.LeaderEndpoint()
                    .setName(one.name())
                    .setHost(one.host())
                    .setPort(one.port()));
        }
        return place;
    }

    private RaftResponse.Inbound received(RaftResponse.Inbound answer) {
        ApiMessage data = answer.data();
        return data instanceof BeginQuorumEpochResponseData heard
                ? new RaftResponse.Inbound(
                        answer.correlationId(),
                        new Acknowledgement(heard, answer.source().id()),
                        answer.source())
                : answer;
    }

    /** Its error is read on Raft's thread, just before the voter would be looked up. */
    private final class Acknowledgement extends BeginQuorumEpochResponseData {
        private final int voterId;

        Acknowledgement(BeginQuorumEpochResponseData data, int voterId) {
            this.voterId = voterId;
            setErrorCode(data.errorCode());
            setTopics(data.topics());
            setNodeEndpoints(data.nodeEndpoints());
        }

        @Override
        public short errorCode() {
            return isVoter.test(voterId) ? super.errorCode() : Errors.BROKER_NOT_AVAILABLE.code();
        }
    }

    @Override
    public ListenerName listenerName() {
        return owned.listenerName();
    }

    @Override
    public void close() throws Exception {
        owned.close();
    }
}

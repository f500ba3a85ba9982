// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.RaftLogSettings;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.apache.kafka.raft.RaftUtil;
import org.apache.kafka.server.common.KRaftVersion;

/** Raft's way from one process to the other nodes, which answers by itself, with an error, when no answer comes. */
final class SimRaftChannel implements NetworkChannel {
    static final int FIRST_PORT = 10_000;

    private final QuorumWorld world;
    private final NodeRun from;
    private final long timeoutMs;
    private int nextCorrelationId;

    SimRaftChannel(QuorumWorld world, NodeRun from, long timeoutMs) {
        this.world = world;
        this.from = from;
        this.timeoutMs = timeoutMs;
    }

    @Override
    public int newCorrelationId() {
        return nextCorrelationId++;
    }

    @Override
    public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
        ApiKeys key = ApiKeys.forId(request.data().apiKey());
        CompletableFuture<ApiMessage> answered = new CompletableFuture<>();
        Runnable unreachable = () -> answered.complete(RaftUtil.errorResponse(key, Errors.BROKER_NOT_AVAILABLE));
        var timer = world.time.schedule(from.process(), timeoutMs * 1_000_000, "no answer", unreachable);
        answered.whenComplete((answer, error) -> timer.cancel());
        byte[] bytes = RaftWire.request(request.data(), request.correlationId());
        int to = request.destination().port() - FIRST_PORT;
        world.network.request(from, to, key.name, receiver -> receive(receiver, key, bytes, answered), unreachable);
        return answered.thenApply(
                data -> new RaftResponse.Inbound(request.correlationId(), data, request.destination()));
    }

    private void receive(NodeRun receiver, ApiKeys key, byte[] bytes, CompletableFuture<ApiMessage> answered) {
        RaftWire.Request request = RaftWire.parseRequest(bytes);
        answer(receiver, request).whenComplete((answer, error) -> {
            if (error == null) {
                byte[] back = RaftWire.answer(request, answer);
                world.network.answer(
                        receiver.id(), from, key.name, () -> answered.complete(RaftWire.parseAnswer(key, back)));
            }
        });
    }

    /** A server's listener answers by itself what it knows; the rest is Raft's. */
    private static CompletableFuture<ApiMessage> answer(NodeRun receiver, RaftWire.Request request) {
        if (request.header().apiKey() != ApiKeys.API_VERSIONS) {
            return receiver.quorum().answerPeer(request.body(), request.header().apiVersion());
        }
        ApiVersionsResponseData.SupportedFeatureKeyCollection features =
                new ApiVersionsResponseData.SupportedFeatureKeyCollection();
        features.add(new ApiVersionsResponseData.SupportedFeatureKey()
                .setName(KRaftVersion.FEATURE_NAME)
                .setMinVersion(KRaftVersion.KRAFT_VERSION_0.featureLevel())
                .setMaxVersion(KRaftVersion.LATEST_PRODUCTION.featureLevel()));
        return CompletableFuture.completedFuture(new ApiVersionsResponseData().setSupportedFeatures(features));
    }

    @Override
    public ListenerName listenerName() {
        return new ListenerName(RaftLogSettings.CONTROLLER_LISTENER);
    }

    @Override
    public void close() {}
}

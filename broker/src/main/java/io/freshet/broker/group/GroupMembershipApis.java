// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.CallContext;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ConsumerGroupHeartbeatRequest;
import org.apache.kafka.common.requests.ConsumerGroupHeartbeatResponse;
import org.apache.kafka.common.requests.HeartbeatRequest;
import org.apache.kafka.common.requests.HeartbeatResponse;
import org.apache.kafka.common.requests.JoinGroupRequest;
import org.apache.kafka.common.requests.JoinGroupResponse;
import org.apache.kafka.common.requests.LeaveGroupRequest;
import org.apache.kafka.common.requests.LeaveGroupResponse;
import org.apache.kafka.common.requests.SyncGroupRequest;
import org.apache.kafka.common.requests.SyncGroupResponse;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.coordinator.group.GroupCoordinator;

/** Joining, staying in and leaving a group: the classic protocol and the consumer protocol of KIP-848. */
final class GroupMembershipApis {
    private final GroupCoordinator coordinator;

    GroupMembershipApis(GroupCoordinator coordinator) {
        this.coordinator = coordinator;
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.JOIN_GROUP, this::join);
        router.register(ApiKeys.SYNC_GROUP, this::sync);
        router.register(ApiKeys.HEARTBEAT, this::heartbeat);
        router.register(ApiKeys.LEAVE_GROUP, this::leave);
        router.register(ApiKeys.CONSUMER_GROUP_HEARTBEAT, this::consumerHeartbeat);
    }

    private void join(KafkaRequest request) {
        JoinGroupRequest body = (JoinGroupRequest) request.body();
        Replies.whenDone(
                request,
                coordinator.joinGroup(CallContext.of(request), body.data(), BufferSupplier.NO_CACHING),
                joined -> new JoinGroupResponse(joined, request.header().apiVersion()));
    }

    private void sync(KafkaRequest request) {
        SyncGroupRequest body = (SyncGroupRequest) request.body();
        if (!body.areMandatoryProtocolTypeAndNamePresent()) {
            Replies.fail(request, Errors.INCONSISTENT_GROUP_PROTOCOL.exception());
            return;
        }
        Replies.whenDone(
                request,
                coordinator.syncGroup(CallContext.of(request), body.data(), BufferSupplier.NO_CACHING),
                SyncGroupResponse::new);
    }

    private void heartbeat(KafkaRequest request) {
        HeartbeatRequest body = (HeartbeatRequest) request.body();
        Replies.whenDone(request, coordinator.heartbeat(CallContext.of(request), body.data()), HeartbeatResponse::new);
    }

    /** Older versions name one member outside the list; the normalized form holds it inside. */
    private void leave(KafkaRequest request) {
        LeaveGroupRequest body = (LeaveGroupRequest) request.body();
        Replies.whenDone(
                request,
                coordinator.leaveGroup(CallContext.of(request), body.normalizedData()),
                left -> new LeaveGroupResponse(left, body.version()));
    }

    private void consumerHeartbeat(KafkaRequest request) {
        ConsumerGroupHeartbeatRequest body = (ConsumerGroupHeartbeatRequest) request.body();
        Replies.whenDone(
                request,
                coordinator.consumerGroupHeartbeat(CallContext.of(request), body.data()),
                ConsumerGroupHeartbeatResponse::new);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.util.List;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Requests about groups that must fail in a certain way. */
final class GroupErrors {
    private final ErrorCells cells;

    GroupErrors(ErrorCells cells) {
        this.cells = cells;
    }

    private void commit(
            String name, String group, String member, int generation, String topic, int partition, String metadata)
            throws IOException {
        cells.cell(
                "commit " + name,
                ApiKeys.OFFSET_COMMIT,
                9,
                new OffsetCommitRequestData()
                        .setGroupId(group)
                        .setMemberId(member)
                        .setGenerationIdOrMemberEpoch(generation)
                        .setTopics(List.of(new OffsetCommitRequestData.OffsetCommitRequestTopic()
                                .setName(topic)
                                .setPartitions(List.of(new OffsetCommitRequestData.OffsetCommitRequestPartition()
                                        .setPartitionIndex(partition)
                                        .setCommittedOffset(1)
                                        .setCommittedMetadata(metadata))))));
    }

    /** All of them. */
    void run() throws IOException {
        commit("simple", "g", "", -1, "t", 0, "");
        commit("unknown topic", "g", "", -1, "nope", 0, "");
        commit("unknown partition", "g", "", -1, "t", 9, "");
        commit("large metadata", "g", "", -1, "t", 0, "x".repeat(5000));
        commit("empty group", "", "", -1, "t", 0, "");
        commit("unknown member", "g", "who", 3, "t", 0, "");
        commit("generation of no group", "fresh", "", 3, "t", 0, "");
        cells.cell(
                "heartbeat unknown group",
                ApiKeys.HEARTBEAT,
                4,
                new HeartbeatRequestData().setGroupId("void").setMemberId("m").setGenerationId(1));
        cells.cell(
                "heartbeat empty group",
                ApiKeys.HEARTBEAT,
                4,
                new HeartbeatRequestData().setGroupId("").setMemberId("m").setGenerationId(1));
        cells.cell(
                "sync unknown group",
                ApiKeys.SYNC_GROUP,
                5,
                new SyncGroupRequestData().setGroupId("void").setMemberId("m").setGenerationId(1));
        cells.cell(
                "leave unknown group",
                ApiKeys.LEAVE_GROUP,
                5,
                new LeaveGroupRequestData()
                        .setGroupId("void")
                        .setMembers(List.of(new LeaveGroupRequestData.MemberIdentity().setMemberId("m"))));
        cells.cell(
                "join empty group",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("")
                        .setSessionTimeoutMs(10_000)
                        .setProtocolType("consumer"));
        cells.cell(
                "join short session",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("j")
                        .setSessionTimeoutMs(1)
                        .setProtocolType("consumer"));
        cells.cell(
                "join without protocols",
                ApiKeys.JOIN_GROUP,
                9,
                new JoinGroupRequestData()
                        .setGroupId("j")
                        .setSessionTimeoutMs(10_000)
                        .setProtocolType("consumer"));
    }
}

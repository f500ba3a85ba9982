// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.remote.BrokerCommandTypes.Process;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersResponseData;

/**
 * Commands on members of the cluster and on who leads what: how they are encoded and run. A heartbeat that is late says
 * nothing; a hand-over is not repeated, since its repeat would find partitions led by their targets and deny that they moved.
 */
final class MemberCommandTypes {
    private static final long HEARTBEAT_WITHIN_MS = 1_500;
    private static final int REASSIGN_VERSION = 1;
    private static final int ELECT_VERSION = 2;

    static final CommandType<BrokerHeartbeat, HeartbeatAnswer> HEARTBEAT = CommandType.of(
                    22,
                    "heartbeat",
                    Codec.of(MemberCommandTypes::writeHeartbeat, MemberCommandTypes::readHeartbeat),
                    Codec.of(MemberCommandTypes::writeAnswer, MemberCommandTypes::readAnswer),
                    (controller, heartbeat) -> controller.heartbeat(heartbeat))
            .repeatable()
            .notLogged()
            .within(HEARTBEAT_WITHIN_MS)
            .urgent();

    static final CommandType<AlterPartitionReassignmentsRequestData, AlterPartitionReassignmentsResponseData>
            ALTER_PARTITION_REASSIGNMENTS = CommandType.of(
                    23,
                    "alterPartitionReassignments",
                    Codec.of(
                            (out, request) -> out.writeMessage(request, REASSIGN_VERSION),
                            in -> in.readMessage(new AlterPartitionReassignmentsRequestData(), REASSIGN_VERSION)),
                    Codec.of(
                            (out, answer) -> out.writeMessage(answer, REASSIGN_VERSION),
                            in -> in.readMessage(new AlterPartitionReassignmentsResponseData(), REASSIGN_VERSION)),
                    (controller, request) -> controller.alterPartitionReassignments(request));

    static final CommandType<ElectLeadersRequestData, ElectLeadersResponseData> ELECT_LEADERS = CommandType.of(
            24,
            "electLeaders",
            Codec.of(
                    (out, request) -> out.writeMessage(request, ELECT_VERSION),
                    in -> in.readMessage(new ElectLeadersRequestData(), ELECT_VERSION)),
            Codec.of(
                    (out, answer) -> out.writeMessage(answer, ELECT_VERSION),
                    in -> in.readMessage(new ElectLeadersResponseData(), ELECT_VERSION)),
            (controller, request) -> controller.electLeaders(request));

    static final CommandType<HandOver, List<Boolean>> HAND_OVER = CommandType.of(
            25,
            "handOver",
            Codec.of(HandOver::write, HandOver::read),
            Codec.<List<Boolean>>of(
                    (out, moved) -> out.writeList(moved, CommandWriter::writeBoolean),
                    in -> in.readList(CommandReader::readBoolean)),
            (controller, asked) ->
                    controller.handOver(asked.source.brokerId(), asked.source.brokerEpoch(), asked.partitions));

    static final CommandType<Drain, Done> DRAIN_BROKER = CommandType.doing(
                    26,
                    "drainBroker",
                    Codec.of(
                            (CommandWriter out, Drain drain) -> {
                                out.writeInt(drain.brokerId);
                                out.writeBoolean(drain.isDrained);
                            },
                            in -> new Drain(in.readInt(), in.readBoolean())),
                    (controller, drain) -> controller.drainBroker(drain.brokerId, drain.isDrained))
            .repeatable();

    static final CommandType<Integer, Done> UNREGISTER_BROKER = CommandType.doing(
            27,
            "unregisterBroker",
            Codec.<Integer>of(CommandWriter::writeInt, CommandReader::readInt),
            (controller, brokerId) -> controller.unregisterBroker(brokerId));

    static final List<CommandType<?, ?>> ALL = List.of(
            HEARTBEAT, ALTER_PARTITION_REASSIGNMENTS, ELECT_LEADERS, HAND_OVER, DRAIN_BROKER, UNREGISTER_BROKER);

    private MemberCommandTypes() {}

    /** What {@code drainBroker} asks. */
    record Drain(int brokerId, boolean isDrained) {}

    /** What {@code handOver} asks. */
    record HandOver(Process source, List<PartitionHandOver> partitions) {
        static void write(CommandWriter out, HandOver asked) {
            Process.write(out, asked.source);
            out.writeList(asked.partitions, (to, partition) -> {
                to.writeUuid(partition.topicId());
                to.writeInt(partition.partition());
                to.writeInt(partition.leaderEpoch());
                to.writeInt(partition.targetBrokerId());
            });
        }

        static HandOver read(CommandReader in) {
            return new HandOver(
                    Process.read(in),
                    in.readList(from ->
                            new PartitionHandOver(from.readUuid(), from.readInt(), from.readInt(), from.readInt())));
        }
    }

    private static void writeHeartbeat(CommandWriter out, BrokerHeartbeat heartbeat) {
        out.writeInt(heartbeat.brokerId());
        out.writeLong(heartbeat.brokerEpoch());
        out.writeLong(heartbeat.appliedOffset());
        out.writeBoolean(heartbeat.isReady());
        out.writeBoolean(heartbeat.wantsShutdown());
    }

    private static BrokerHeartbeat readHeartbeat(CommandReader in) {
        return new BrokerHeartbeat(in.readInt(), in.readLong(), in.readLong(), in.readBoolean(), in.readBoolean());
    }

    private static void writeAnswer(CommandWriter out, HeartbeatAnswer answer) {
        out.writeBoolean(answer.isFenced());
        out.writeBoolean(answer.mayShutDown());
        out.writeBoolean(answer.isOver());
        out.writeLong(answer.sessionTimeoutMs());
    }

    private static HeartbeatAnswer readAnswer(CommandReader in) {
        return new HeartbeatAnswer(in.readBoolean(), in.readBoolean(), in.readBoolean(), in.readLong());
    }
}

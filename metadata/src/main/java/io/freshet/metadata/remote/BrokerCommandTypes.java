// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.stream.IdRange;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;

/** Commands of broker processes, and the barrier: how they are encoded and run. */
final class BrokerCommandTypes {
    static final Codec<IdRange> ID_RANGE = Codec.of(
            (out, range) -> {
                out.writeLong(range.first());
                out.writeLong(range.end());
            },
            in -> new IdRange(in.readLong(), in.readLong()));

    static final CommandType<BrokerSpec, RegisteredBroker> REGISTER_BROKER = CommandType.of(
                    20,
                    "registerBroker",
                    Codec.of(BrokerCommandTypes::writeSpec, BrokerCommandTypes::readSpec),
                    Codec.of(
                            (out, made) -> {
                                out.writeLong(made.brokerEpoch());
                                out.writeLong(made.offset());
                            },
                            in -> new RegisteredBroker(in.readLong(), in.readLong())),
                    (controller, spec) -> controller.registerBroker(spec))
            .repeatable();

    static final CommandType<Process, IdRange> ALLOCATE_PRODUCER_IDS = CommandType.of(
                    21,
                    "allocateProducerIds",
                    Process.CODEC,
                    ID_RANGE,
                    (controller, asked) -> controller.allocateProducerIds(asked.brokerId, asked.brokerEpoch))
            .repeatable();

    static final CommandType<Done, Done> BARRIER = CommandType.doing(
                    80, "barrier", Codec.nothing(Done.DONE), (controller, nothing) -> controller.barrier())
            .repeatable();

    static final List<CommandType<?, ?>> ALL = List.of(REGISTER_BROKER, ALLOCATE_PRODUCER_IDS, BARRIER);

    private BrokerCommandTypes() {}

    /** One registration of one broker. */
    record Process(int brokerId, long brokerEpoch) {
        static final Codec<Process> CODEC = Codec.of(Process::write, Process::read);

        static void write(CommandWriter out, Process process) {
            out.writeInt(process.brokerId);
            out.writeLong(process.brokerEpoch);
        }

        static Process read(CommandReader in) {
            return new Process(in.readInt(), in.readLong());
        }
    }

    private static void writeSpec(CommandWriter out, BrokerSpec spec) {
        out.writeInt(spec.brokerId());
        out.writeUuid(spec.incarnationId());
        writeEndpoints(out, spec.listeners());
        out.writeString(spec.rack());
        out.writeList(spec.walLanes(), CommandWriter::writeString);
        FeatureCommandTypes.VERSIONS.write(out, spec.versions());
    }

    private static BrokerSpec readSpec(CommandReader in) {
        return new BrokerSpec(
                in.readInt(),
                in.readUuid(),
                readEndpoints(in),
                in.readNullableString(),
                in.readList(CommandReader::readString),
                FeatureCommandTypes.VERSIONS.read(in));
    }

    static void writeEndpoints(CommandWriter out, List<Endpoint> endpoints) {
        out.writeList(endpoints, (to, endpoint) -> {
            to.writeString(endpoint.listenerName());
            to.writeString(endpoint.securityProtocol());
            to.writeString(endpoint.host());
            to.writeInt(endpoint.port());
        });
    }

    static List<Endpoint> readEndpoints(CommandReader in) {
        return in.readList(
                from -> new Endpoint(from.readString(), from.readString(), from.readString(), from.readInt()));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.BalanceDescription.UnderWay;
import io.freshet.metadata.balance.BalanceSettings;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import io.freshet.metadata.balance.PlannedMove;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;

/** Commands about the brokers' loads: how they are encoded and run. They concern the active controller's memory alone. */
final class BalanceCommandTypes {
    private static final long REPORT_WITHIN_MS = 3_000;
    private static final long DESCRIBE_WITHIN_MS = 10_000;

    static final CommandType<LoadReport, Done> REPORT_LOADS = CommandType.doing(
                    28,
                    "reportLoads",
                    Codec.of(BalanceCommandTypes::writeReport, BalanceCommandTypes::readReport),
                    (controller, report) -> controller.reportLoads(report))
            .repeatable()
            .notLogged()
            .within(REPORT_WITHIN_MS);

    static final CommandType<Done, BalanceDescription> DESCRIBE_BALANCE = CommandType.of(
                    29,
                    "describeBalance",
                    Codec.nothing(Done.DONE),
                    Codec.of(BalanceCommandTypes::writeDescription, BalanceCommandTypes::readDescription),
                    (controller, nothing) -> controller.describeBalance())
            .repeatable()
            .notLogged()
            .within(DESCRIBE_WITHIN_MS);

    static final List<CommandType<?, ?>> ALL = List.of(REPORT_LOADS, DESCRIBE_BALANCE);

    private BalanceCommandTypes() {}

    private static void writeReport(CommandWriter out, LoadReport report) {
        out.writeInt(report.brokerId());
        out.writeLong(report.brokerEpoch());
        out.writeList(report.hottest(), (to, of) -> {
            to.writeUuid(of.topicId());
            to.writeInt(of.partition());
            writeLoad(to, of.load());
        });
        writeLoad(out, report.rest());
    }

    private static LoadReport readReport(CommandReader in) {
        return new LoadReport(
                in.readInt(),
                in.readLong(),
                in.readList(from -> new PartitionLoad(from.readUuid(), from.readInt(), readLoad(from))),
                readLoad(in));
    }

    private static void writeLoad(CommandWriter out, Load load) {
        writeDouble(out, load.bytesIn());
        writeDouble(out, load.bytesOut());
        writeDouble(out, load.requests());
    }

    private static Load readLoad(CommandReader in) {
        return new Load(readDouble(in), readDouble(in), readDouble(in));
    }

    private static void writeDouble(CommandWriter out, double value) {
        out.writeLong(Double.doubleToLongBits(value));
    }

    private static double readDouble(CommandReader in) {
        return Double.longBitsToDouble(in.readLong());
    }

    private static void writeDescription(CommandWriter out, BalanceDescription balance) {
        out.writeInt(balance.controllerId());
        writeSettings(out, balance.settings());
        out.writeList(balance.brokers(), BalanceCommandTypes::writeBroker);
        writeLoad(out, balance.mean());
        writeDouble(out, balance.meanPartitions());
        out.writeList(balance.moves(), BalanceCommandTypes::writeMove);
        out.writeBoolean(balance.isComplete());
        out.writeInt(balance.movesAllowed());
        out.writeInt(balance.movesInLastMinute());
        out.writeList(balance.underWay(), BalanceCommandTypes::writeUnderWay);
        out.writeInt(balance.excludedPartitions());
        out.writeInt(balance.restingPartitions());
        out.writeList(balance.notes(), CommandWriter::writeString);
    }

    private static BalanceDescription readDescription(CommandReader in) {
        return new BalanceDescription(
                in.readInt(),
                readSettings(in),
                in.readList(BalanceCommandTypes::readBroker),
                readLoad(in),
                readDouble(in),
                in.readList(BalanceCommandTypes::readMove),
                in.readBoolean(),
                in.readInt(),
                in.readInt(),
                in.readList(BalanceCommandTypes::readUnderWay),
                in.readInt(),
                in.readInt(),
                in.readList(CommandReader::readString));
    }

    private static void writeSettings(CommandWriter out, BalanceSettings settings) {
        out.writeBoolean(settings.isEnabled());
        out.writeInt(settings.movesPerMinute());
        writeDouble(out, settings.tolerance());
        out.writeList(settings.excludedTopics(), CommandWriter::writeString);
        out.writeList(settings.excludedBrokers(), CommandWriter::writeInt);
    }

    private static BalanceSettings readSettings(CommandReader in) {
        return new BalanceSettings(
                in.readBoolean(),
                in.readInt(),
                readDouble(in),
                in.readList(CommandReader::readString),
                in.readList(CommandReader::readInt));
    }

    private static void writeBroker(CommandWriter out, BrokerState broker) {
        out.writeInt(broker.id());
        out.writeString(broker.rack());
        out.writeString(broker.whyNot());
        writeLoad(out, broker.load());
        out.writeInt(broker.partitions());
    }

    private static BrokerState readBroker(CommandReader in) {
        return new BrokerState(in.readInt(), in.readNullableString(), in.readString(), readLoad(in), in.readInt());
    }

    private static void writeMove(CommandWriter out, PlannedMove move) {
        out.writeUuid(move.topicId());
        out.writeString(move.topic());
        out.writeInt(move.partition());
        out.writeInt(move.fromBrokerId());
        out.writeInt(move.toBrokerId());
        writeLoad(out, move.load());
        out.writeString(move.reason());
    }

    private static PlannedMove readMove(CommandReader in) {
        return new PlannedMove(
                in.readUuid(),
                in.readString(),
                in.readInt(),
                in.readInt(),
                in.readInt(),
                readLoad(in),
                in.readString());
    }

    private static void writeUnderWay(CommandWriter out, UnderWay move) {
        out.writeUuid(move.topicId());
        out.writeString(move.topic());
        out.writeInt(move.partition());
        out.writeInt(move.fromBrokerId());
        out.writeInt(move.toBrokerId());
    }

    private static UnderWay readUnderWay(CommandReader in) {
        return new UnderWay(in.readUuid(), in.readString(), in.readInt(), in.readInt(), in.readInt());
    }
}

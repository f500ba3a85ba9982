// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.remote.BrokerCommandTypes.Process;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;

/** Commands on S3 WALs: how they are encoded and run. */
final class WalCommandTypes {
    static final CommandType<Process, Done> OPEN_WAL = CommandType.doing(
                    60,
                    "openWal",
                    Process.CODEC,
                    (controller, wal) -> controller.openWal(wal.brokerId(), wal.brokerEpoch()))
            .repeatable();

    static final CommandType<WalSeal, Done> SEAL_WAL = CommandType.doing(
                    61,
                    "sealWal",
                    Codec.of(WalCommandTypes::writeSeal, WalCommandTypes::readSeal),
                    (controller, seal) -> controller.sealWal(seal))
            .repeatable();

    static final CommandType<Trim, Done> TRIM_WAL = CommandType.doing(
                    62,
                    "trimWal",
                    Codec.of(
                            (out, trim) -> {
                                Process.write(out, trim.wal);
                                out.writeLong(trim.startSlot);
                            },
                            in -> new Trim(Process.read(in), in.readLong())),
                    (controller, trim) ->
                            controller.trimWal(trim.wal.brokerId(), trim.wal.brokerEpoch(), trim.startSlot))
            .repeatable();

    static final CommandType<Process, Done> RETIRE_WAL = CommandType.doing(
                    63,
                    "retireWal",
                    Process.CODEC,
                    (controller, wal) -> controller.retireWal(wal.brokerId(), wal.brokerEpoch()))
            .repeatable();

    static final CommandType<Import, Done> IMPORT_WAL = CommandType.doing(
                    64,
                    "importWal",
                    Codec.of(
                            (out, brought) -> {
                                Process.write(out, brought.dead);
                                writeSeal(out, brought.seal);
                            },
                            in -> new Import(Process.read(in), readSeal(in))),
                    (controller, brought) ->
                            controller.importWal(brought.dead.brokerId(), brought.dead.brokerEpoch(), brought.seal))
            .repeatable();

    static final List<CommandType<?, ?>> ALL = List.of(OPEN_WAL, SEAL_WAL, TRIM_WAL, RETIRE_WAL, IMPORT_WAL);

    private WalCommandTypes() {}

    record Trim(Process wal, long startSlot) {}

    record Import(Process dead, WalSeal seal) {}

    private static void writeSeal(CommandWriter out, WalSeal seal) {
        out.writeInt(seal.brokerId());
        out.writeLong(seal.brokerEpoch());
        out.writeLong(seal.endSlot());
        out.writeMap(seal.streamEnds(), CommandWriter::writeLong, CommandWriter::writeLong);
    }

    private static WalSeal readSeal(CommandReader in) {
        return new WalSeal(
                in.readInt(),
                in.readLong(),
                in.readLong(),
                in.readMap(CommandReader::readLong, CommandReader::readLong));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.kafka.common.Uuid;

/**
 * An object of the mirror, a piece of the log or a snapshot: a header of 104 bytes, then runs of records. Big-endian.
 *
 * <pre>
 *   0  8  magic FRSHTMTA                        56  8  time stamp of the last record in ms
 *   8  4  version, 1                            64  8  end offset of the snapshot relied on, −1 none
 *  12  4  kind: 1, 2, 3, 4 as {@link Kind}      72 16  writer of that snapshot
 *  16  8  base offset                           88  8  length of the runs in bytes
 *  24  8  end offset, exclusive                 96  4  CRC32C of the runs
 *  32  4  epoch of the last record             100  4  CRC32C of bytes 0 to 99
 *  36  4  number of runs                       104  …  runs
 *  40 16  writer: one process
 *
 *   run: base offset 8, last offset 8, epoch 4, time stamp 8, records 4; per record: length 4, Kafka's record frame
 * </pre>
 */
record MirrorObject(Header header, List<MirrorRecords> runs) {
    private static final int HEADER_BYTES = 104;
    private static final int CRC_AT = HEADER_BYTES - Integer.BYTES;
    private static final byte[] MAGIC = "FRSHTMTA".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;

    MirrorObject {
        runs = List.copyOf(runs);
    }

    /** What an object holds. */
    enum Kind {
        /** A piece: the committed batches from base to end offset. */
        RECORDS,
        /** A piece without records that a new owner puts where the old one would write next; its offset stays unused. */
        FENCE,
        /** A piece without records: those from base to end offset are in the snapshot relied on, and nowhere else. */
        GAP,
        /** A snapshot of everything below the end offset; base offset is 0. */
        SNAPSHOT;

        private int code() {
            return ordinal() + 1;
        }
    }

    /**
     * @param epoch Raft's epoch of the last record below {@code endOffset}
     * @param timestampMs when that record was appended
     * @param writer the incarnation of the process that wrote the object
     * @param snapshot the newest complete snapshot when a piece was written
     */
    record Header(
            Kind kind,
            long baseOffset,
            long endOffset,
            int epoch,
            long timestampMs,
            Uuid writer,
            SnapshotRef snapshot) {}

    /** The object's bytes: a header and {@code encodedRuns}, which stay as they are. */
    static List<ByteBuffer> encode(Header header, List<ByteBuffer> encodedRuns) {
        CRC32C crc = new CRC32C();
        long length = 0;
        for (ByteBuffer run : encodedRuns) {
            crc.update(run.duplicate());
            length += run.remaining();
        }
        ByteBuffer head = ByteBuffer.allocate(HEADER_BYTES);
        head.put(MAGIC).putInt(VERSION).putInt(header.kind.code());
        head.putLong(header.baseOffset)
                .putLong(header.endOffset)
                .putInt(header.epoch)
                .putInt(encodedRuns.size());
        put(head, header.writer);
        head.putLong(header.timestampMs).putLong(header.snapshot.endOffset());
        put(head, header.snapshot.writer());
        head.putLong(length).putInt((int) crc.getValue());
        head.putInt(crcOf(head.array(), 0, CRC_AT)).flip();
        List<ByteBuffer> whole = new ArrayList<>(encodedRuns.size() + 1);
        whole.add(head);
        whole.addAll(encodedRuns);
        return whole;
    }

    private static void put(ByteBuffer out, Uuid id) {
        out.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
    }

    /**
     * Checks and reads an object.
     *
     * @param name its key, for messages
     * @throws FreshetException CORRUPT if a byte is wrong or missing
     */
    static MirrorObject decode(String name, byte[] bytes) {
        Header header = decodeHeader(name, bytes);
        ByteBuffer in = ByteBuffer.wrap(bytes).position(88);
        long length = in.getLong();
        if (length != bytes.length - HEADER_BYTES) {
            throw corrupt(name, "holds " + bytes.length + " bytes, but its header tells of " + (HEADER_BYTES + length));
        }
        if (in.getInt() != crcOf(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES)) {
            throw corrupt(name, "fails the checksum of its records (byte " + HEADER_BYTES + " to the end)");
        }
        int count = ByteBuffer.wrap(bytes).getInt(36);
        in.position(HEADER_BYTES);
        List<MirrorRecords> runs = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                runs.add(MirrorRecords.decode(in));
            }
        } catch (RuntimeException e) {
            throw corrupt(name, "cannot be understood at byte " + in.position() + " (" + e + ")");
        }
        if (in.hasRemaining()) {
            throw corrupt(name, "has " + in.remaining() + " bytes behind its last record");
        }
        return new MirrorObject(header, runs);
    }

    /** Checks and reads the header alone. */
    static Header decodeHeader(String name, byte[] bytes) {
        if (bytes.length < HEADER_BYTES) {
            throw corrupt(name, "holds " + bytes.length + " bytes, less than a header");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 0, HEADER_BYTES);
        if (!Arrays.equals(MAGIC, 0, MAGIC.length, bytes, 0, MAGIC.length)) {
            throw corrupt(name, "does not begin with FRSHTMTA");
        }
        if (in.getInt(CRC_AT) != crcOf(bytes, 0, CRC_AT)) {
            throw corrupt(name, "fails the checksum of its header (bytes 0 to " + (CRC_AT - 1) + ")");
        }
        int version = in.getInt(8);
        if (version != VERSION) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Metadata mirror object " + name + " has format version " + version
                            + ", but this program reads version " + VERSION + "; use a newer one");
        }
        int kind = in.getInt(12);
        if (kind < 1 || kind > Kind.values().length) {
            throw corrupt(name, "is of the unknown kind " + kind);
        }
        Header header = new Header(
                Kind.values()[kind - 1],
                in.getLong(16),
                in.getLong(24),
                in.getInt(32),
                in.getLong(56),
                new Uuid(in.getLong(40), in.getLong(48)),
                new SnapshotRef(in.getLong(64), new Uuid(in.getLong(72), in.getLong(80))));
        if (header.baseOffset < 0 || header.endOffset <= header.baseOffset) {
            throw corrupt(name, "goes from offset " + header.baseOffset + " to " + header.endOffset);
        }
        return header;
    }

    private static int crcOf(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    private static FreshetException corrupt(String name, String what) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Metadata mirror object " + name + " " + what
                        + "; keep the bucket as it is, and start from the node's own directory if there is one");
    }
}

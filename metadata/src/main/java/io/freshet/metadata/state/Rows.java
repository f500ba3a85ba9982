// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.MoveWish;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.Uuid;

/** The rows' bytes, as {@link Table} lays them out. */
final class Rows {
    private static final byte VERSION = 0;
    private static final int LAPSED = 1;
    private static final int DRAINED = 2;

    private Rows() {}

    /** A stream as stored: what Kafka's partition record does not say. */
    record Stream(Uuid topicId, int partition, long startOffset, long endOffset) {
        byte[] encode() {
            return ByteBuffer.allocate(1 + 16 + 4 + 16)
                    .put(VERSION)
                    .putLong(topicId.getMostSignificantBits())
                    .putLong(topicId.getLeastSignificantBits())
                    .putInt(partition)
                    .putLong(startOffset)
                    .putLong(endOffset)
                    .array();
        }

        static Stream decode(byte[] value) {
            ByteBuffer in = open(value);
            Uuid topicId = new Uuid(in.getLong(), in.getLong());
            return new Stream(topicId, in.getInt(), in.getLong(), in.getLong());
        }
    }

    /** An object as stored; {@code retiredAtMs} is −1 while a live segment names it. */
    record StoredObject(long sizeBytes, int liveSegments, long retiredAtMs) {
        byte[] encode() {
            return ByteBuffer.allocate(1 + 8 + 4 + 8)
                    .put(VERSION)
                    .putLong(sizeBytes)
                    .putInt(liveSegments)
                    .putLong(retiredAtMs)
                    .array();
        }

        static StoredObject decode(byte[] value) {
            ByteBuffer in = open(value);
            return new StoredObject(in.getLong(), in.getInt(), in.getLong());
        }
    }

    /** A WAL as stored. */
    static byte[] encodeWal(long startSlot, long sealedEndSlot) {
        return ByteBuffer.allocate(1 + 2 * 8)
                .put(VERSION)
                .putLong(startSlot)
                .putLong(sealedEndSlot)
                .array();
    }

    static WalState decodeWal(byte[] key, byte[] value) {
        ByteBuffer keyIn = ByteBuffer.wrap(key);
        ByteBuffer in = open(value);
        return new WalState(keyIn.getInt(), keyIn.getLong(), in.getLong(), in.getLong());
    }

    static byte[] encodeSegment(StreamSegment segment) {
        return ByteBuffer.allocate(1 + 5 * 8)
                .put(VERSION)
                .putLong(segment.endOffset())
                .putLong(segment.objectId())
                .putLong(segment.sizeBytes())
                .putLong(segment.minTimestampMs())
                .putLong(segment.maxTimestampMs())
                .array();
    }

    static StreamSegment decodeSegment(byte[] key, byte[] value) {
        ByteBuffer keyIn = ByteBuffer.wrap(key);
        ByteBuffer in = open(value);
        return new StreamSegment(
                keyIn.getLong(), keyIn.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
    }

    static byte[] encodeMember(MemberState member) {
        List<byte[]> names = member.walLanes().stream()
                .map(lane -> lane.getBytes(StandardCharsets.UTF_8))
                .toList();
        int namesBytes = names.stream().mapToInt(name -> 4 + name.length).sum();
        ByteBuffer out = ByteBuffer.allocate(1 + 8 + 1 + 4 + namesBytes)
                .put(VERSION)
                .putLong(member.brokerEpoch())
                .put((byte) ((member.isLapsed() ? LAPSED : 0) | (member.isDrained() ? DRAINED : 0)))
                .putInt(names.size());
        names.forEach(name -> out.putInt(name.length).put(name));
        return out.array();
    }

    static MemberState decodeMember(byte[] key, byte[] value) {
        ByteBuffer in = open(value);
        long brokerEpoch = in.getLong();
        int flags = in.get();
        int count = in.getInt();
        List<String> lanes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] name = new byte[in.getInt()];
            in.get(name);
            lanes.add(new String(name, StandardCharsets.UTF_8));
        }
        int brokerId = ByteBuffer.wrap(key).getInt();
        return new MemberState(brokerId, brokerEpoch, (flags & LAPSED) != 0, (flags & DRAINED) != 0, lanes);
    }

    static MoveWish decodeWish(byte[] key, byte[] value) {
        ByteBuffer keyIn = ByteBuffer.wrap(key);
        return new MoveWish(
                new Uuid(keyIn.getLong(), keyIn.getLong()),
                keyIn.getInt(),
                open(value).getInt());
    }

    static byte[] encodeWishTarget(int brokerId) {
        return ByteBuffer.allocate(5).put(VERSION).putInt(brokerId).array();
    }

    static byte[] key(Uuid topicId) {
        return key(topicId.getMostSignificantBits(), topicId.getLeastSignificantBits());
    }

    static byte[] key(long id) {
        return ByteBuffer.allocate(8).putLong(id).array();
    }

    static byte[] key(long first, long second) {
        return ByteBuffer.allocate(16).putLong(first).putLong(second).array();
    }

    static byte[] key(Uuid topicId, int partition) {
        return ByteBuffer.allocate(20)
                .putLong(topicId.getMostSignificantBits())
                .putLong(topicId.getLeastSignificantBits())
                .putInt(partition)
                .array();
    }

    static byte[] key(int brokerId) {
        return ByteBuffer.allocate(4).putInt(brokerId).array();
    }

    static byte[] key(int brokerId, long brokerEpoch) {
        return ByteBuffer.allocate(12).putInt(brokerId).putLong(brokerEpoch).array();
    }

    static byte[] key(int brokerId, long brokerEpoch, long streamId) {
        return ByteBuffer.allocate(20)
                .putInt(brokerId)
                .putLong(brokerEpoch)
                .putLong(streamId)
                .array();
    }

    static byte[] encodeId(long id) {
        return ByteBuffer.allocate(9).put(VERSION).putLong(id).array();
    }

    static long decodeId(byte[] value) {
        return open(value).getLong();
    }

    static ByteBuffer open(byte[] value) {
        ByteBuffer in = ByteBuffer.wrap(value);
        byte version = in.get();
        if (version != VERSION) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "A metadata row has version " + version + ", this program reads version " + VERSION
                            + ": it was written by a newer version; upgrade this node");
        }
        return in;
    }
}

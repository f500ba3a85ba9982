// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import io.freshet.metadata.record.NextIdsRecord;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bytes of the mirror's objects: what goes in comes out, and no damage passes. */
class MirrorObjectTest {
    private static final long SEED = 5;

    @ParameterizedTest
    @EnumSource(Kind.class)
    void readsBackWhatItWrote(Kind kind) {
        Header header = new Header(
                kind, 7, 1L << 40, 12, 1234567890123L, Uuid.randomUuid(), new SnapshotRef(6, Uuid.randomUuid()));
        List<MirrorRecords> runs = kind == Kind.FENCE || kind == Kind.GAP ? List.of() : runs();
        MirrorObject read = MirrorObject.decode("key", bytes(header, runs));
        assertThat(read.header()).isEqualTo(header);
        assertThat(read.runs().toString()).isEqualTo(runs.toString());
        assertThat(bytes(read.header(), read.runs())).isEqualTo(bytes(header, runs));
        assertThat(MirrorObject.decodeHeader("key", bytes(header, runs))).isEqualTo(header);
    }

    @Test
    void findsEveryFlippedBitAndEveryLostByte() {
        byte[] good = bytes(new Header(Kind.RECORDS, 0, 9, 1, 5, Uuid.randomUuid(), SnapshotRef.NONE), runs());
        Random random = new Random(SEED);
        for (int at = 0; at < good.length; at++) {
            byte[] bad = good.clone();
            bad[at] ^= (byte) (1 << random.nextInt(8));
            corrupt(bad);
            corrupt(Arrays.copyOf(good, at));
        }
        corrupt(Arrays.copyOf(good, good.length + 1));
    }

    @Test
    void refusesANewerVersionWithoutCallingItDamage() {
        byte[] newer = bytes(new Header(Kind.FENCE, 0, 1, 0, -1, Uuid.randomUuid(), SnapshotRef.NONE), List.of());
        newer[11] = 2;
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(newer, 0, 100);
        ByteBuffer.wrap(newer).putInt(100, (int) crc.getValue());
        assertThatThrownBy(() -> MirrorObject.decode("meta/x", newer))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("format version 2");
    }

    @Test
    void keepsClusterIdsThatAreNoKeysApart() {
        assertThat(MirrorKeys.piece("abc-_9", 255)).isEqualTo("meta/abc-_9/log/00000000000000ff");
        assertThat(MirrorKeys.baseOffset("meta/abc-_9/log/00000000000000ff")).isEqualTo(255);
        assertThat(MirrorKeys.baseOffset("meta/abc-_9/log/readme")).isEqualTo(-1);
        assertThat(MirrorKeys.folder("cluster")).startsWith("x.").matches("[a-z0-9.]+");
        assertThat(MirrorKeys.folder("a b/c")).isNotEqualTo(MirrorKeys.folder("a_b/c"));
    }

    private static void corrupt(byte[] bytes) {
        assertThatThrownBy(() -> MirrorObject.decode("meta/some/key", bytes))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining("meta/some/key");
    }

    private static List<MirrorRecords> runs() {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            records.add(new ApiMessageAndVersion(
                    new TopicRecord().setName("topic-" + i).setTopicId(new Uuid(1, i + 1)), (short) 0));
        }
        return List.of(
                new MirrorRecords(0, 0, 1, 3, List.of()),
                new MirrorRecords(1, 3, 1, 4, records),
                new MirrorRecords(4, 4, 1, 5, List.of(new NextIdsRecord(3, 4).versioned())));
    }

    private static byte[] bytes(Header header, List<MirrorRecords> runs) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (ByteBuffer part : MirrorObject.encode(
                header, runs.stream().map(MirrorRecords::encode).toList())) {
            out.write(part.array(), part.position(), part.remaining());
        }
        return out.toByteArray();
    }
}

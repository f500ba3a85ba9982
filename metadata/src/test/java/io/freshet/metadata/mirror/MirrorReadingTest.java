// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

/** Which objects of a mirror are read, and which of their runs count. */
class MirrorReadingTest {
    private static final String CLUSTER = "c";
    private static final Uuid WRITER = new Uuid(1, 2);

    private final HeapStore store = new HeapStore();

    @Test
    void skipsWhatTheSnapshotHoldsAlsoInsideAPiece() {
        SnapshotRef snapshot = new SnapshotRef(4, WRITER);
        piece(Kind.RECORDS, 0, 2, SnapshotRef.NONE, 0, 1);
        piece(Kind.RECORDS, 2, 6, SnapshotRef.NONE, 2, 3, 4, 5);
        piece(Kind.RECORDS, 6, 7, snapshot, 6);
        put(MirrorKeys.snapshot(CLUSTER, snapshot), new Header(Kind.SNAPSHOT, 0, 4, 1, 0, WRITER, SnapshotRef.NONE), 3);
        assertThat(offsets()).containsExactly(3L, 4L, 5L, 6L);
        store.objects.remove(MirrorKeys.piece(CLUSTER, 0));
        assertThat(offsets()).containsExactly(3L, 4L, 5L, 6L);
    }

    @Test
    void readsFencesAndGapsBelowTheSnapshot() {
        SnapshotRef snapshot = new SnapshotRef(9, WRITER);
        piece(Kind.RECORDS, 0, 2, SnapshotRef.NONE, 0, 1);
        piece(Kind.FENCE, 2, 3, SnapshotRef.NONE);
        assertThat(offsets()).containsExactly(0L, 1L);
        piece(Kind.RECORDS, 3, 5, SnapshotRef.NONE, 3, 4);
        assertThat(offsets()).containsExactly(0L, 1L, 3L, 4L);
        piece(Kind.GAP, 5, 9, snapshot);
        put(MirrorKeys.snapshot(CLUSTER, snapshot), new Header(Kind.SNAPSHOT, 0, 9, 1, 0, WRITER, SnapshotRef.NONE), 8);
        assertThat(offsets()).containsExactly(8L);
        piece(Kind.RECORDS, 9, 10, snapshot, 9);
        assertThat(offsets()).containsExactly(8L, 9L);
    }

    @Test
    void refusesHolesAndGapsThatNoSnapshotCovers() {
        piece(Kind.RECORDS, 0, 2, SnapshotRef.NONE, 0, 1);
        piece(Kind.RECORDS, 3, 4, SnapshotRef.NONE, 3);
        corrupt("lacks the records from offset 2 to 3");
        piece(Kind.GAP, 2, 3, SnapshotRef.NONE);
        corrupt("stands for records that only a snapshot at 3 holds");
        store.objects.remove(MirrorKeys.piece(CLUSTER, 0));
        corrupt("lacks the records from offset 0 to 2");
    }

    private void corrupt(String message) {
        assertThatThrownBy(this::offsets)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining(message);
    }

    private List<Long> offsets() {
        List<Long> found = new ArrayList<>();
        MirrorPosition position = MirrorReading.position(store, CLUSTER);
        MirrorReading.forEachRun(store, CLUSTER, position, run -> found.add(run.lastOffset()));
        return found;
    }

    private void piece(Kind kind, long base, long end, SnapshotRef snapshot, long... offsets) {
        put(MirrorKeys.piece(CLUSTER, base), new Header(kind, base, end, 1, 0, WRITER, snapshot), offsets);
    }

    private void put(String key, Header header, long... offsets) {
        List<ByteBuffer> runs = Arrays.stream(offsets)
                .mapToObj(offset -> new MirrorRecords(offset, offset, 1, 0, List.of()).encode())
                .toList();
        assertThat(store.create(key, MirrorObject.encode(header, runs)).join()).isTrue();
    }

    /** Objects on the heap. */
    private static final class HeapStore implements MirrorStore {
        private final TreeMap<String, byte[]> objects = new TreeMap<>();

        @Override
        public CompletableFuture<Boolean> create(String key, List<ByteBuffer> body) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            body.forEach(part -> out.write(part.array(), part.position(), part.remaining()));
            return CompletableFuture.completedFuture(objects.putIfAbsent(key, out.toByteArray()) == null);
        }

        @Override
        public CompletableFuture<byte[]> read(String key) {
            byte[] bytes = objects.get(key);
            return bytes == null
                    ? CompletableFuture.failedFuture(new FreshetException(ErrorKind.MISSING, "No " + key))
                    : CompletableFuture.completedFuture(bytes);
        }

        @Override
        public CompletableFuture<List<String>> list(String prefix) {
            return CompletableFuture.completedFuture(objects.keySet().stream()
                    .filter(key -> key.startsWith(prefix))
                    .toList());
        }

        @Override
        public CompletableFuture<Void> delete(Collection<String> keys) {
            keys.forEach(objects::remove);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public <T> T await(String what, CompletableFuture<T> future) {
            return future.join();
        }

        @Override
        public String describe() {
            return "heap";
        }
    }
}

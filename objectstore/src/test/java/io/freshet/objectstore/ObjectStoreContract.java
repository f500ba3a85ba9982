// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every object store must do. Each test works below a prefix of its own. */
abstract class ObjectStoreContract {
    private static final long MIB = 1 << 20;

    /** The store under test; opened and closed by the subclass. */
    abstract ObjectStore store();

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(60, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            throw FreshetException.of(e);
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError("no answer within 60 s", e);
        }
    }

    static void assertFails(CompletableFuture<?> future, ErrorKind kind) {
        assertThatThrownBy(() -> get(future))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    static List<ByteBuffer> text(String text) {
        return List.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }

    static byte[] randomBytes(int size, long seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    byte[] read(String key, long position, int length) {
        ByteBuffer target = ByteBuffer.allocate(length);
        get(store().read(key, position, target));
        assertThat(target.hasRemaining()).isFalse();
        return target.array();
    }

    String readText(String key, int length) {
        return new String(read(key, 0, length), StandardCharsets.US_ASCII);
    }

    @Test
    void readsWhatWasPut() {
        get(store().put("rw/one", text("hello")));
        assertThat(readText("rw/one", 5)).isEqualTo("hello");
        ObjectStat stat = get(store().stat("rw/one")).orElseThrow();
        assertThat(stat.sizeBytes()).isEqualTo(5);
        assertThat(stat.key()).isEqualTo("rw/one");
        assertThat(stat.modifiedAtMs()).isPositive();
    }

    @Test
    void putReplacesAndReadersSeeTheNewObject() {
        get(store().put("replace/a", text("old")));
        assertThat(readText("replace/a", 3)).isEqualTo("old");
        get(store().put("replace/a", text("newer")));
        assertThat(readText("replace/a", 5)).isEqualTo("newer");
    }

    @Test
    void leavesBodyBuffersUntouchedAndSendsOnlyPositionToLimit() {
        ByteBuffer heap = ByteBuffer.wrap("xxabcxx".getBytes(StandardCharsets.US_ASCII))
                .position(2)
                .limit(5);
        ByteBuffer direct = ByteBuffer.allocateDirect(6)
                .put("defghi".getBytes(StandardCharsets.US_ASCII))
                .flip();
        ByteBuffer readOnly =
                ByteBuffer.wrap("jk".getBytes(StandardCharsets.US_ASCII)).asReadOnlyBuffer();
        get(store().put("bodies/mixed", List.of(heap, ByteBuffer.allocate(0), direct, readOnly)));
        assertThat(readText("bodies/mixed", 11)).isEqualTo("abcdefghijk");
        assertThat(heap.position()).isEqualTo(2);
        assertThat(heap.limit()).isEqualTo(5);
        assertThat(direct.remaining()).isEqualTo(6);
        assertThat(readOnly.remaining()).isEqualTo(2);
    }

    @Test
    void storesAnEmptyObject() {
        get(store().put("empty/put", List.of()));
        assertThat(get(store().putIfAbsent("empty/create", List.of()))).isEqualTo(PutOutcome.CREATED);
        assertThat(get(store().stat("empty/put")).orElseThrow().sizeBytes()).isZero();
        assertThat(get(store().stat("empty/create")).orElseThrow().sizeBytes()).isZero();
    }

    @Test
    void secondPutIfAbsentIsRefusedAndChangesNothing() {
        assertThat(get(store().putIfAbsent("cond/k", text("first")))).isEqualTo(PutOutcome.CREATED);
        assertThat(get(store().putIfAbsent("cond/k", text("again")))).isEqualTo(PutOutcome.ALREADY_EXISTS);
        assertThat(readText("cond/k", 5)).isEqualTo("first");
        get(store().put("cond/plain", text("first")));
        assertThat(get(store().putIfAbsent("cond/plain", text("again")))).isEqualTo(PutOutcome.ALREADY_EXISTS);
    }

    @Test
    void oneOfManyRacingWritersWins() {
        for (int round = 0; round < 5; round++) {
            String key = "race/" + round;
            List<CompletableFuture<PutOutcome>> puts = IntStream.range(0, 16)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                                    () -> store().putIfAbsent(key, text(String.format("writer%02d", i))))
                            .thenCompose(f -> f))
                    .toList();
            List<PutOutcome> outcomes =
                    puts.stream().map(ObjectStoreContract::get).toList();
            assertThat(outcomes).containsOnlyOnce(PutOutcome.CREATED);
            int winner = outcomes.indexOf(PutOutcome.CREATED);
            assertThat(readText(key, 8)).isEqualTo(String.format("writer%02d", winner));
        }
    }

    @Test
    void readsRanges() {
        byte[] bytes = randomBytes(3_000_000, 1);
        get(store().put("ranges/a", List.of(ByteBuffer.wrap(bytes))));
        assertThat(read("ranges/a", 0, 1)).containsExactly(bytes[0]);
        assertThat(read("ranges/a", 2_999_999, 1)).containsExactly(bytes[2_999_999]);
        assertThat(ByteBuffer.wrap(read("ranges/a", 1_234_567, 1_500_000)))
                .isEqualTo(ByteBuffer.wrap(bytes, 1_234_567, 1_500_000));
        ByteBuffer window = ByteBuffer.allocateDirect(100).position(10).limit(60);
        get(store().read("ranges/a", 7, window));
        assertThat(window.position()).isEqualTo(60);
        assertThat(window.limit()).isEqualTo(60);
        assertThat(window.flip().position(10)).isEqualTo(ByteBuffer.wrap(bytes, 7, 50));
        get(store().read("ranges/a", 5, ByteBuffer.allocate(0)));
    }

    @Test
    void readBeyondTheEndIsCorrupt() {
        get(store().put("short/a", text("12345")));
        assertFails(store().read("short/a", 0, ByteBuffer.allocate(6)), ErrorKind.CORRUPT);
        assertFails(store().read("short/a", 4, ByteBuffer.allocate(2)), ErrorKind.CORRUPT);
        assertFails(store().read("short/a", 5, ByteBuffer.allocate(1)), ErrorKind.CORRUPT);
        assertFails(store().read("short/a", 500, ByteBuffer.allocate(1)), ErrorKind.CORRUPT);
    }

    @Test
    void missingObjects() {
        assertFails(store().read("missing/a", 0, ByteBuffer.allocate(1)), ErrorKind.MISSING);
        assertThat(get(store().stat("missing/a"))).isEmpty();
        assertThat(get(store().delete(List.of("missing/a"))).failed()).isEmpty();
    }

    @Test
    void largeObjectsRoundTrip() {
        byte[] first = randomBytes((int) (23 * MIB) + 17, 2);
        byte[] second = randomBytes((int) (17 * MIB), 3);
        get(store().put("large/a", List.of(ByteBuffer.wrap(first), ByteBuffer.wrap(second))));
        assertThat(get(store().stat("large/a")).orElseThrow().sizeBytes()).isEqualTo(40 * MIB + 17);
        ByteBuffer back = ByteBuffer.allocateDirect((int) (40 * MIB) + 17);
        get(store().read("large/a", 0, back));
        back.flip();
        assertThat(back.slice(0, first.length)).isEqualTo(ByteBuffer.wrap(first));
        assertThat(back.slice(first.length, second.length)).isEqualTo(ByteBuffer.wrap(second));
    }

    /** Gives {@code bytes} in pieces of {@code pieceBytes}, in two buffers each, on another thread. */
    static PieceSource pieces(byte[] bytes, int pieceBytes) {
        int[] position = {0};
        return () -> CompletableFuture.supplyAsync(() -> {
            int from = position[0];
            int end = Math.min(bytes.length, from + pieceBytes);
            position[0] = end;
            int middle = (from + end) / 2;
            return List.of(ByteBuffer.wrap(bytes, from, middle - from), ByteBuffer.wrap(bytes, middle, end - middle));
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1000, 16 << 20, (16 << 20) + 1, 40_000_001})
    void writesObjectsPieceByPiece(int sizeBytes) {
        byte[] bytes = randomBytes(sizeBytes, 9);
        get(store().put("pieces/" + sizeBytes, text("older")));
        get(store().putPieces("pieces/" + sizeBytes, pieces(bytes, 3_000_000)));
        assertThat(get(store().stat("pieces/" + sizeBytes)).orElseThrow().sizeBytes())
                .isEqualTo(sizeBytes);
        if (sizeBytes > 0) {
            assertThat(read("pieces/" + sizeBytes, 0, sizeBytes)).isEqualTo(bytes);
        }
    }

    @Test
    void piecesThatFailLeaveTheOlderObject() {
        get(store().put("pieces/failing", text("older")));
        PieceSource sound = pieces(randomBytes(30_000_000, 10), 9_000_000);
        int[] given = {0};
        assertFails(
                store().putPieces(
                                "pieces/failing",
                                () -> given[0]++ < 3
                                        ? sound.next()
                                        : CompletableFuture.failedFuture(
                                                new FreshetException(ErrorKind.CORRUPT, "a piece is damaged"))),
                ErrorKind.CORRUPT);
        assertThat(readText("pieces/failing", 5)).isEqualTo("older");
        assertFails(store().putPieces("/a", sound), ErrorKind.INVALID);
    }

    @Test
    void listsInByteOrderPageByPage() {
        List<String> keys = List.of(
                "order/a", "order/a-b", "order/a.b", "order/a0", "order/A", "order/b/c", "order/b-c", "order/z/1/2");
        keys.forEach(key -> get(store().put(key, text(key))));
        get(store().put("orderly", text("x")));
        List<String> expected = keys.stream().sorted().toList();
        for (int pageSize : new int[] {1, 3, 8, 1000}) {
            assertThat(listAll("order/", pageSize).stream().map(ObjectStat::key))
                    .as("page size %s", pageSize)
                    .containsExactlyElementsOf(expected);
        }
        assertThat(listAll("order/a", 1000).stream().map(ObjectStat::key))
                .containsExactly("order/a", "order/a-b", "order/a.b", "order/a0");
        assertThat(get(store().list("order/", "order/b", 2)).objects().stream().map(ObjectStat::key))
                .containsExactly("order/b-c", "order/b/c");
        assertThat(get(store().list("order/", "order/z/1/2", 10)).objects()).isEmpty();
        assertThat(get(store().list("nothing/", "", 10)).hasMore()).isFalse();
        assertThat(listAll("order/", 1000))
                .allSatisfy(stat ->
                        assertThat(stat.sizeBytes()).isEqualTo(stat.key().length()));
    }

    List<ObjectStat> listAll(String prefix, int pageSize) {
        List<ObjectStat> all = new ArrayList<>();
        String after = "";
        ListPage page;
        do {
            page = get(store().list(prefix, after, pageSize));
            assertThat(page.objects()).hasSizeLessThanOrEqualTo(pageSize);
            all.addAll(page.objects());
            after = all.isEmpty() ? "" : all.get(all.size() - 1).key();
        } while (page.hasMore());
        return all;
    }

    @Test
    void listsAndDeletesMoreThanOneBatch() {
        int count = 2100;
        List<String> keys = IntStream.range(0, count)
                .mapToObj(i -> String.format("many/%04d", i))
                .toList();
        for (int from = 0; from < count; from += 100) {
            List<CompletableFuture<Void>> puts = keys.subList(from, from + 100).stream()
                    .map(key -> store().put(key, text("x")))
                    .toList();
            puts.forEach(ObjectStoreContract::get);
        }
        assertThat(listAll("many/", 1000).stream().map(ObjectStat::key)).containsExactlyElementsOf(keys);
        List<String> twice = new ArrayList<>(keys.subList(0, count - 1));
        twice.add(keys.get(0));
        assertThat(get(store().delete(twice)).failed()).isEmpty();
        assertThat(listAll("many/", 1000).stream().map(ObjectStat::key)).containsExactly(keys.get(count - 1));
    }

    @Test
    void deletedObjectsAreGone() {
        get(store().put("del/a/b", text("x")));
        get(store().put("del/c", text("y")));
        assertThat(readText("del/a/b", 1)).isEqualTo("x");
        assertThat(get(store().delete(List.of("del/a/b", "del/none"))).failed()).isEmpty();
        assertFails(store().read("del/a/b", 0, ByteBuffer.allocate(1)), ErrorKind.MISSING);
        assertThat(get(store().stat("del/a/b"))).isEmpty();
        assertThat(get(store().putIfAbsent("del/a/b", text("z")))).isEqualTo(PutOutcome.CREATED);
        assertThat(readText("del/a/b", 1)).isEqualTo("z");
        assertThat(readText("del/c", 1)).isEqualTo("y");
        assertThat(get(store().delete(List.of())).failed()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/a", "a/", "a//b", "a/./b", "..", "a/../b", "a b", "a~b", "ä"})
    void refusesBadKeys(String key) {
        assertFails(store().put(key, text("x")), ErrorKind.INVALID);
        assertFails(store().putIfAbsent(key, text("x")), ErrorKind.INVALID);
        assertFails(store().read(key, 0, ByteBuffer.allocate(1)), ErrorKind.INVALID);
        assertFails(store().stat(key), ErrorKind.INVALID);
        assertFails(store().delete(List.of(key)), ErrorKind.INVALID);
    }

    @Test
    void refusesBadArguments() {
        assertFails(store().put("k".repeat(901), text("x")), ErrorKind.INVALID);
        assertFails(store().list("", "", 0), ErrorKind.INVALID);
        assertFails(store().list("", "", 1001), ErrorKind.INVALID);
        assertFails(store().read("a", -1, ByteBuffer.allocate(1)), ErrorKind.INVALID);
    }

    @Test
    void passesTheStartUpProbeAndIsLeftClean() {
        get(StoreProbe.check(store(), io.freshet.common.runtime.Randomness.secure()));
        assertThat(get(store().list("probe/", "", 10)).objects()).isEmpty();
    }
}

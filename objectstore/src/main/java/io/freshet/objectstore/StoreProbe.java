// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Proves at start that a store does what everything above it relies on: read after write, put-if-absent (also in a
 * race), list and delete. Works below {@code probe/<random>/} and cleans up after itself. One instance is one run; its
 * steps follow one another.
 */
public final class StoreProbe {
    private static final int RACERS = 8;
    private static final String USE_OTHER =
            "use a store (or a newer version of it) that honours If-None-Match: * atomically, or two owners could both"
                    + " believe that their write counts";

    private final ObjectStore store;
    private final String prefix;
    private final String firstKey;
    private final String racedKey;

    private StoreProbe(ObjectStore store, String name) {
        this.store = store;
        this.prefix = "probe/" + name + "/";
        this.firstKey = prefix + "first";
        this.racedKey = prefix + "raced";
    }

    /**
     * Completes when every property holds. Fails with the kind of the first error (INVALID for a store that breaks a
     * promise); the message says which property failed and what to do.
     */
    public static CompletableFuture<Void> check(ObjectStore store, Randomness randomness) {
        return new StoreProbe(store, randomness.nextUuid().toString()).run();
    }

    private CompletableFuture<Void> run() {
        return step("list", "make it reachable and allow this process to list the bucket", () -> expectListed(0))
                .thenCompose(x -> prove());
    }

    private CompletableFuture<Void> prove() {
        return step("write with put-if-absent", "allow this process to put objects", this::create)
                .thenCompose(x -> step("read after write", "allow this process to get objects", this::readBack))
                .thenCompose(x -> step("refusal of a second put-if-absent", USE_OTHER, this::createAgain))
                .thenCompose(x -> step("put-if-absent with one winner in a race", USE_OTHER, this::race))
                .thenCompose(x -> step("list after write", "use a strongly consistent store", () -> expectListed(2)))
                .thenCompose(x -> step("delete", "allow this process to delete objects", this::delete))
                .thenCompose(x -> step("list after delete", "use a strongly consistent store", () -> expectListed(0)))
                .handle((done, error) -> error == null
                        ? CompletableFuture.<Void>completedFuture(null)
                        : cleanUp(FreshetException.of(error)))
                .thenCompose(outcome -> outcome);
    }

    private CompletableFuture<Void> create() {
        return store.putIfAbsent(firstKey, body("first"))
                .thenAccept(outcome ->
                        require(outcome == PutOutcome.CREATED, "a key that was never used is said to exist already"));
    }

    private CompletableFuture<Void> readBack() {
        return expectContent(firstKey, "first")
                .thenCompose(x -> store.stat(firstKey))
                .thenAccept(stat -> require(
                        stat.isPresent() && stat.get().sizeBytes() == "first".length(),
                        "the object's size is reported as " + stat));
    }

    private CompletableFuture<Void> createAgain() {
        return store.putIfAbsent(firstKey, body("again"))
                .thenAccept(outcome ->
                        require(outcome == PutOutcome.ALREADY_EXISTS, "a second put-if-absent overwrote the object"))
                .thenCompose(x -> expectContent(firstKey, "first"));
    }

    private CompletableFuture<Void> race() {
        List<CompletableFuture<PutOutcome>> puts = IntStream.range(0, RACERS)
                .mapToObj(i -> store.putIfAbsent(racedKey, body("race" + i)))
                .toList();
        return CompletableFuture.allOf(puts.toArray(CompletableFuture<?>[]::new))
                .thenCompose(x -> {
                    List<Integer> winners = IntStream.range(0, RACERS)
                            .filter(i -> puts.get(i).getNow(PutOutcome.ALREADY_EXISTS) == PutOutcome.CREATED)
                            .boxed()
                            .toList();
                    require(winners.size() == 1, winners.size() + " of " + RACERS + " racing writers won");
                    return expectContent(racedKey, "race" + winners.get(0));
                });
    }

    private CompletableFuture<Void> expectContent(String key, String expected) {
        ByteBuffer target = ByteBuffer.allocate(expected.length());
        return store.read(key, 0, target).thenAccept(x -> {
            String found = StandardCharsets.US_ASCII.decode(target.flip()).toString();
            require(found.equals(expected), "'" + key + "' holds '" + found + "' instead of '" + expected + "'");
        });
    }

    private CompletableFuture<Void> expectListed(int count) {
        return store.list(prefix, "", 10)
                .thenAccept(page -> require(
                        page.objects().size() == count && !page.hasMore(),
                        page.objects().size() + " objects are listed instead of " + count));
    }

    private CompletableFuture<Void> delete() {
        return store.delete(List.of(firstKey, racedKey))
                .thenAccept(outcome -> require(outcome.failed().isEmpty(), "not deleted: " + outcome.failed()));
    }

    private CompletableFuture<Void> cleanUp(FreshetException failure) {
        return store.delete(List.of(firstKey, racedKey)).handle((outcome, error) -> {
            throw failure;
        });
    }

    private CompletableFuture<Void> step(String what, String advice, Supplier<CompletableFuture<Void>> action) {
        return action.get().handle((done, error) -> {
            if (error != null) {
                FreshetException cause = FreshetException.of(error);
                throw new FreshetException(
                        cause.kind(),
                        "Object store " + store.describe() + " failed the start-up check '" + what + "': "
                                + cause.getMessage() + "; to go on, " + advice,
                        cause);
            }
            return null;
        });
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw StoreUri.invalid(otherwise);
        }
    }

    private static List<ByteBuffer> body(String text) {
        return List.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }
}

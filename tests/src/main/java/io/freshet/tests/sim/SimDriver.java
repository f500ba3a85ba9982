// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.tests.sim.SimStore.StoredObject;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** One process's way to the store: requests take time, get lost, arrive late or twice, and answers may be damaged. */
final class SimDriver implements StoreDriver {
    private static final String REQUEST = "store request";
    private static final String ANSWER = "store answer";

    private final World world;
    private final SimProcess process;
    private final SimRandom random;
    /** Keys of which the last read gave bytes that the store does not hold. */
    private final Set<String> spoiled = new HashSet<>();

    SimDriver(World world, SimProcess process) {
        this.world = world;
        this.process = process;
        this.random = world.random.fork();
    }

    /** Whether an error that names a damaged object tells the truth about what this process was given, if not about the store. */
    boolean explains(FreshetException damage) {
        String message = String.valueOf(damage.getMessage());
        return spoiled.stream().anyMatch(message::contains);
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        byte[] bytes = body.toArray();
        return write("put", key, bytes.length, () -> {
            world.store.put(key, bytes, nonce);
            return null;
        });
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        byte[] bytes = body.toArray();
        CompletableFuture<PutOutcome> answer = write("create", key, bytes.length, () -> {
            if (world.store.get(key) != null && !world.sabotage.putsAlways()) {
                return PutOutcome.ALREADY_EXISTS;
            }
            world.store.put(key, bytes, nonce);
            return PutOutcome.CREATED;
        });
        return answer.whenComplete((outcome, error) -> {
            if (outcome == PutOutcome.CREATED) {
                world.sabotage.created(process, key, bytes);
            }
        });
    }

    private <T extends @org.jspecify.annotations.Nullable Object> CompletableFuture<T> write(
            String what, String key, int sizeBytes, Supplier<T> effect) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Swarm swarm = world.swarm;
        world.time.note(process, what, key.hashCode(), sizeBytes);
        world.time.say(process, () -> what + " " + key);
        long arrivesMs = latencyMs();
        if (random.chance(swarm.now(swarm.putFails))) {
            world.counts.add("put fails");
            fail(arrivesMs, answer, what + " of " + key);
        } else if (random.chance(swarm.now(swarm.putIsLate))) {
            world.counts.add("put arrives late, after its failure");
            fail(arrivesMs, answer, what + " of " + key);
            world.process.after(arrivesMs + random.between(100, World.MAX_LATE_MS), REQUEST, () -> arrive(effect));
        } else {
            boolean isLost = random.chance(swarm.now(swarm.putLosesAnswer));
            if (isLost) {
                world.counts.add("put loses its answer");
            }
            world.process.after(arrivesMs, REQUEST, () -> apply(answer, effect, isLost, what + " of " + key));
            if (random.chance(swarm.now(swarm.putIsDoubled))) {
                world.counts.add("put arrives twice");
                world.process.after(arrivesMs + random.between(1, World.MAX_LATE_MS), REQUEST, () -> arrive(effect));
            }
        }
        return answer;
    }

    /** The request arrives once more, or after its caller was told that it failed: its answer reaches nobody. */
    private static <T> void arrive(Supplier<T> effect) {
        new CompletableFuture<T>().complete(effect.get());
    }

    private <T> void apply(CompletableFuture<T> answer, Supplier<T> effect, boolean isLost, String what) {
        if (isRefused(answer, what)) {
            return;
        }
        T value = effect.get();
        if (isLost) {
            fail(latencyMs(), answer, what);
        } else {
            process.after(latencyMs(), ANSWER, () -> answer.complete(value));
        }
    }

    private boolean isRefused(CompletableFuture<?> answer, String what) {
        if (!world.store.isStormy() || world.swarm.isHealed()) {
            return false;
        }
        world.counts.add("503");
        process.after(
                latencyMs(),
                ANSWER,
                () -> answer.completeExceptionally(
                        new FreshetException(ErrorKind.THROTTLED, "503 slow down: " + what)));
        return true;
    }

    private void fail(long afterMs, CompletableFuture<?> answer, String what) {
        process.after(
                afterMs,
                ANSWER,
                () -> answer.completeExceptionally(
                        new FreshetException(ErrorKind.UNAVAILABLE, "No answer to " + what)));
    }

    private long latencyMs() {
        Swarm swarm = world.swarm;
        if (random.chance(swarm.now(swarm.requestIsSlow))) {
            world.counts.add("store is slow");
            return random.between(200, 3_000);
        }
        return random.between(2, 30);
    }

    private <T> CompletableFuture<T> ask(String what, Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Swarm swarm = world.swarm;
        if (random.chance(swarm.now(swarm.readFails))) {
            world.counts.add("read fails");
            fail(latencyMs(), answer, what);
            return answer;
        }
        world.process.after(latencyMs(), REQUEST, () -> {
            if (isRefused(answer, what)) {
                return;
            }
            try {
                T value = question.get();
                process.after(latencyMs(), ANSWER, () -> answer.complete(value));
            } catch (FreshetException e) {
                process.after(latencyMs(), ANSWER, () -> answer.completeExceptionally(e));
            }
        });
        return answer;
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        return ask("author of " + key, () -> {
            StoredObject object = world.store.get(key);
            if (object == null) {
                return Author.NO_OBJECT;
            }
            return object.nonce().equals(nonce) ? Author.SAME_NONCE : Author.OTHER_NONCE;
        });
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        String what = "read of " + key;
        Swarm swarm = world.swarm;
        return ask(what, () -> bytes(key, position, target.remaining())).thenCompose(bytes -> {
            if (random.chance(swarm.now(swarm.readIsTruncated))) {
                world.counts.add("read is truncated");
                target.duplicate().put(bytes, 0, random.below(bytes.length));
                return CompletableFuture.failedFuture(
                        new FreshetException(ErrorKind.UNAVAILABLE, "The answer broke off: " + what));
            }
            spoiled.remove(key);
            if (random.chance(swarm.now(swarm.readIsCorrupt))) {
                world.counts.add("read is corrupt");
                world.time.say(process, () -> "is given damaged bytes by the " + what);
                spoiled.add(key);
                bytes[random.below(bytes.length)] ^= (byte) (1 << random.below(8));
            }
            target.duplicate().put(bytes);
            return CompletableFuture.completedFuture(null);
        });
    }

    private byte[] bytes(String key, long position, int length) {
        StoredObject object = world.store.get(key);
        if (object == null) {
            throw new FreshetException(ErrorKind.MISSING, "There is no object " + key);
        }
        if (position + length > object.bytes().length) {
            throw new FreshetException(
                    ErrorKind.CORRUPT, "Object " + key + " ends before position " + (position + length));
        }
        byte[] bytes = new byte[length];
        System.arraycopy(object.bytes(), (int) position, bytes, 0, length);
        return bytes;
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return ask(
                "stat of " + key,
                () -> Optional.ofNullable(world.store.get(key))
                        .map(object -> new ObjectStat(key, object.bytes().length, object.modifiedAtMs())));
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return ask("list of " + prefix, () -> world.store.list(prefix, startAfter, maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        Swarm swarm = world.swarm;
        return this.<Map<String, String>>ask("delete", () -> {
                    Map<String, String> failed = new HashMap<>();
                    for (String key : keys) {
                        if (random.chance(swarm.now(swarm.deleteFails))) {
                            world.counts.add("delete of one key fails");
                            failed.put(key, "internal error");
                        } else {
                            world.time.note(process, "delete", key.hashCode(), 0);
                            world.time.say(process, () -> "delete " + key);
                            world.store.delete(key);
                        }
                    }
                    return failed;
                })
                .thenApply(DeleteOutcome::new);
    }

    @Override
    public String describe() {
        return "sim:";
    }

    @Override
    public void close() {}
}

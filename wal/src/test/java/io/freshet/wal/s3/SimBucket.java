// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * A bucket in virtual time. Each request of a client goes through a {@link Network}, which says when it takes effect and when, if
 * ever, its answer arrives; effects of requests on their way happen even if the client dies.
 */
final class SimBucket {
    private record Stored(byte[] bytes, String nonce, long modifiedAtMs) {}

    /**
     * What becomes of one request.
     *
     * @param effectMs when it takes effect; negative: never
     * @param answerMs how long after that the answer (or the failure) arrives
     * @param isAnswered false: the client gets UNAVAILABLE instead of the answer
     * @param againMs when a duplicate takes effect; negative: there is none
     */
    record Fate(long effectMs, long answerMs, boolean isAnswered, long againMs) {
        static Fate after(long effectMs, long answerMs) {
            return new Fate(effectMs, answerMs, true, -1);
        }
    }

    /** Decides about each try of a request. */
    interface Network {
        Fate next(String op, String key);
    }

    private final SimRuntime runtime;
    private final TreeMap<String, Stored> objects = new TreeMap<>();
    final Map<String, Integer> requests = new HashMap<>();
    Network network = (op, key) -> Fate.after(10, 10);
    boolean keepsBytes = true;
    long putBytes;
    int changedBuffers;

    SimBucket(SimRuntime runtime) {
        this.runtime = runtime;
    }

    int requestCount() {
        return requests.values().stream().mapToInt(Integer::intValue).sum();
    }

    int requests(String op) {
        return requests.getOrDefault(op, 0);
    }

    List<String> keys() {
        return new ArrayList<>(objects.keySet());
    }

    private Stored stored(String key) {
        return Objects.requireNonNull(objects.get(key), key);
    }

    void remove(String key) {
        objects.remove(key);
    }

    void copy(String from, String to) {
        objects.put(to, stored(from));
    }

    void flipBit(String key, int bit) {
        stored(key).bytes[bit / 8] ^= (byte) (1 << (bit % 8));
    }

    int sizeBytes(String key) {
        return stored(key).bytes.length;
    }

    /** A client without retries of its own. */
    ObjectStore client(SimRuntime.Host host) {
        return client(host, RetryPolicy.NONE);
    }

    ObjectStore client(SimRuntime.Host host, RetryPolicy policy) {
        return ObjectStores.over(new Driver(host), policy, new SimpleMeterRegistry(), runtime, host, host.randomness());
    }

    private final class Driver implements StoreDriver {
        private final SimRuntime.Host host;

        Driver(SimRuntime.Host host) {
            this.host = host;
        }

        private <T> CompletableFuture<T> request(String op, String key, Supplier<T> effect) {
            CompletableFuture<T> answer = new CompletableFuture<>();
            if (host.isDead()) {
                return answer;
            }
            requests.merge(op, 1, Integer::sum);
            Fate fate = network.next(op, key);
            if (host.isDead()) {
                return answer;
            }
            if (fate.againMs >= 0) {
                runtime.schedule(fate.againMs, () -> {
                    int changed = changedBuffers;
                    outcome(effect);
                    changedBuffers = changed;
                });
            }
            if (fate.effectMs < 0) {
                runtime.schedule(
                        fate.answerMs, () -> host.run(() -> answer.completeExceptionally(unavailable(op, key))));
                return answer;
            }
            runtime.schedule(fate.effectMs, () -> {
                CompletableFuture<T> outcome = outcome(effect);
                runtime.schedule(
                        fate.answerMs,
                        () -> host.run(() -> {
                            if (!fate.isAnswered) {
                                answer.completeExceptionally(unavailable(op, key));
                            } else {
                                outcome.whenComplete((value, error) -> {
                                    if (error == null) {
                                        answer.complete(value);
                                    } else {
                                        answer.completeExceptionally(FreshetException.unwrap(error));
                                    }
                                });
                            }
                        }));
            });
            return answer;
        }

        private <T> CompletableFuture<T> outcome(Supplier<T> effect) {
            try {
                return CompletableFuture.completedFuture(effect.get());
            } catch (FreshetException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        private FreshetException unavailable(String op, String key) {
            return new FreshetException(ErrorKind.UNAVAILABLE, "Simulated: " + op + " of " + key + " got no answer");
        }

        private byte[] sent(Body body) {
            return keepsBytes ? body.toArray() : new byte[0];
        }

        /** What was sent is what arrives; but a client that still waits must not have changed its buffers meanwhile. */
        private Stored stored(Body body, byte[] sent, String nonce) {
            putBytes += body.sizeBytes();
            if (keepsBytes && !host.isDead() && !Arrays.equals(sent, body.toArray())) {
                changedBuffers++;
            }
            return new Stored(sent, nonce, runtime.wallMs());
        }

        @Override
        public CompletableFuture<Void> put(String key, Body body, String nonce) {
            byte[] sent = sent(body);
            return request("put", key, () -> {
                objects.put(key, stored(body, sent, nonce));
                return null;
            });
        }

        @Override
        public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
            byte[] sent = sent(body);
            return request("create", key, () -> {
                Stored arrived = stored(body, sent, nonce);
                if (objects.containsKey(key)) {
                    return PutOutcome.ALREADY_EXISTS;
                }
                objects.put(key, arrived);
                return PutOutcome.CREATED;
            });
        }

        @Override
        public CompletableFuture<Author> authorOf(String key, String nonce) {
            return request("settle", key, () -> {
                Stored found = objects.get(key);
                if (found == null) {
                    return Author.NO_OBJECT;
                }
                return found.nonce.equals(nonce) ? Author.SAME_NONCE : Author.OTHER_NONCE;
            });
        }

        @Override
        public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
            return request("read", key, () -> {
                Stored found = objects.get(key);
                if (found == null) {
                    throw new FreshetException(ErrorKind.MISSING, "no object " + key);
                }
                if (position + target.remaining() > found.bytes.length) {
                    throw new FreshetException(ErrorKind.CORRUPT, "object " + key + " is short");
                }
                target.put(found.bytes, (int) position, target.remaining());
                return null;
            });
        }

        @Override
        public CompletableFuture<Optional<ObjectStat>> stat(String key) {
            return request(
                    "stat", key, () -> Optional.ofNullable(objects.get(key)).map(found -> stat(key, found)));
        }

        private ObjectStat stat(String key, Stored found) {
            return new ObjectStat(key, found.bytes.length, found.modifiedAtMs);
        }

        @Override
        public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
            return request("list", prefix, () -> {
                List<ObjectStat> found = new ArrayList<>();
                objects.forEach((key, stored) -> {
                    if (key.startsWith(prefix) && key.compareTo(startAfter) > 0 && found.size() <= maxKeys) {
                        found.add(stat(key, stored));
                    }
                });
                return StoreDriver.page(found, maxKeys);
            });
        }

        @Override
        public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
            List<String> doomed = List.copyOf(keys);
            return request("delete", doomed.get(0), () -> {
                doomed.forEach(objects::remove);
                return new DeleteOutcome(Map.of());
            });
        }

        @Override
        public String describe() {
            return "sim:bucket";
        }

        @Override
        public void close() {}
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static io.freshet.objectstore.ObjectStoreContract.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Stores that break one promise each are found out by name. */
class StoreProbeTest {
    private final StoreFixture fixture = new StoreFixture();
    private final MemoryDriver memory = new MemoryDriver("test", Clock.system());

    @AfterEach
    void close() {
        fixture.close();
    }

    private void assertFound(Broken driver, String step, ErrorKind kind) {
        ObjectStore store = fixture.over(driver, RetryPolicy.NONE);
        assertThatThrownBy(() -> get(StoreProbe.check(store, fixture.randomness)))
                .hasMessageContaining("memory:test")
                .hasMessageContaining("'" + step + "'")
                .hasMessageContaining("to go on, ")
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    private static <T> CompletableFuture<T> denied() {
        return CompletableFuture.failedFuture(new FreshetException(ErrorKind.DENIED, "no right"));
    }

    @Test
    void aStoreThatIgnoresTheConditionIsRefusedAndLeftClean() {
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.PutOutcome> create(String key, Body body, String nonce) {
                        return memory.put(key, body, nonce).thenApply(x -> ObjectStore.PutOutcome.CREATED);
                    }
                },
                "refusal of a second put-if-absent",
                ErrorKind.INVALID);
        assertThat(get(memory.list("", "", 10)).objects()).isEmpty();
    }

    @Test
    void aStoreThatRefusesButOverwritesIsRefused() {
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.PutOutcome> create(String key, Body body, String nonce) {
                        boolean exists = get(memory.stat(key)).isPresent();
                        return memory.put(key, body, "other")
                                .thenApply(x -> exists
                                        ? ObjectStore.PutOutcome.ALREADY_EXISTS
                                        : ObjectStore.PutOutcome.CREATED);
                    }
                },
                "refusal of a second put-if-absent",
                ErrorKind.INVALID);
    }

    @Test
    void aStoreWithTwoWinnersInARaceIsRefused() {
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.PutOutcome> create(String key, Body body, String nonce) {
                        return key.endsWith("raced")
                                ? memory.put(key, body, nonce).thenApply(x -> ObjectStore.PutOutcome.CREATED)
                                : memory.create(key, body, nonce);
                    }
                },
                "put-if-absent with one winner in a race",
                ErrorKind.INVALID);
    }

    @Test
    void missingRightsAreNamed() {
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.PutOutcome> create(String key, Body body, String nonce) {
                        return denied();
                    }
                },
                "write with put-if-absent",
                ErrorKind.DENIED);
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
                        return denied();
                    }
                },
                "read after write",
                ErrorKind.DENIED);
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.ListPage> list(String prefix, String startAfter, int maxKeys) {
                        return denied();
                    }
                },
                "list",
                ErrorKind.DENIED);
        assertFound(
                new Broken(memory) {
                    @Override
                    public CompletableFuture<ObjectStore.DeleteOutcome> delete(Collection<String> keys) {
                        return CompletableFuture.completedFuture(new ObjectStore.DeleteOutcome(
                                Map.of(keys.iterator().next(), "AccessDenied")));
                    }
                },
                "delete",
                ErrorKind.INVALID);
    }

    /** Hands everything to another driver; tests override what is broken. */
    private static class Broken implements StoreDriver {
        private final StoreDriver driver;

        Broken(StoreDriver driver) {
            this.driver = driver;
        }

        @Override
        public CompletableFuture<Void> put(String key, Body body, String nonce) {
            return driver.put(key, body, nonce);
        }

        @Override
        public CompletableFuture<ObjectStore.PutOutcome> create(String key, Body body, String nonce) {
            return driver.create(key, body, nonce);
        }

        @Override
        public CompletableFuture<Author> authorOf(String key, String nonce) {
            return driver.authorOf(key, nonce);
        }

        @Override
        public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
            return driver.read(key, position, target);
        }

        @Override
        public CompletableFuture<Optional<ObjectStore.ObjectStat>> stat(String key) {
            return driver.stat(key);
        }

        @Override
        public CompletableFuture<ObjectStore.ListPage> list(String prefix, String startAfter, int maxKeys) {
            return driver.list(prefix, startAfter, maxKeys);
        }

        @Override
        public CompletableFuture<ObjectStore.DeleteOutcome> delete(Collection<String> keys) {
            return driver.delete(keys);
        }

        @Override
        public String describe() {
            return driver.describe();
        }

        @Override
        public void close() {
            driver.close();
        }
    }
}

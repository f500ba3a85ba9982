// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Function;

/** Does the same for many things on a few threads, and hands the results over in order. Used by one thread. */
final class ParallelReads implements AutoCloseable {
    private final int threads;
    private final ExecutorService pool;

    ParallelReads(int threads) {
        if (threads < 1 || threads > 256) {
            throw new FreshetException(ErrorKind.INVALID, "--threads " + threads + " is not within 1 to 256");
        }
        this.threads = threads;
        this.pool = Threads.pool("freshet-storage-read", threads, 2 * threads);
    }

    /** At most twice as many results as there are threads wait at a time. */
    <T, R> void forEach(List<T> things, Function<T, R> work, Consumer<R> sink) {
        Deque<Future<R>> running = new ArrayDeque<>();
        for (T thing : things) {
            if (running.size() >= 2 * threads) {
                sink.accept(await(running.removeFirst()));
            }
            running.add(pool.submit(() -> work.apply(thing)));
        }
        while (!running.isEmpty()) {
            sink.accept(await(running.removeFirst()));
        }
    }

    private static <R> R await(Future<R> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw FreshetException.of(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while reading objects", e);
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
        Threads.stop(pool, Duration.ofSeconds(5));
    }
}

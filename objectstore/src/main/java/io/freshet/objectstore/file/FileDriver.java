// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.file;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.PieceSource;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;

/**
 * Objects as files below one directory: key {@code a/b} is the file {@code a/b}. Creation is atomic between processes
 * on the same file system; a put that replaces an object is meant for one process only, because others may hold the old
 * file open. Blocking work runs on bounded pools of this store's own,
 * one for reads and one for all else, so that many reads hold up no write; when a queue is full, calls are THROTTLED.
 */
public final class FileDriver implements StoreDriver {
    private static final int QUEUE_LENGTH = 4096;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final long STRAY_AGE_MS = Duration.ofHours(1).toMillis();
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);

    private final Path root;
    private final ObjectFiles files;
    private final OpenFiles openFiles;
    private final ExecutorService readPool;
    private final ExecutorService pool;

    private FileDriver(Path root, ObjectFiles files, FileSettings settings) {
        this.root = root;
        this.files = files;
        this.openFiles = new OpenFiles(settings.openFiles());
        this.readPool = Threads.pool("freshet-file-read", settings.readThreads(), QUEUE_LENGTH);
        this.pool = Threads.pool("freshet-file-store", settings.threads(), QUEUE_LENGTH);
    }

    /** Opens the store, making its directory if need be and removing temporary files that a crash left. Blocking. */
    public static FileDriver open(FileSettings settings, Clock clock) {
        Path root = settings.root().toAbsolutePath().normalize();
        ObjectFiles files = new ObjectFiles(root);
        try {
            files.prepare(clock.wallMs() - STRAY_AGE_MS);
        } catch (IOException e) {
            throw FileErrors.of("opening", "", root, e);
        }
        return new FileDriver(root, files, settings);
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        return run("put", key, () -> {
            Path target = files.pathOf(key);
            files.replace(target, body, nonce);
            openFiles.invalidate(target);
            return null;
        });
    }

    @Override
    public boolean streamsPieces() {
        return true;
    }

    @Override
    public CompletableFuture<Void> putPieces(String key, PieceSource source, String nonce) {
        return appendFrom(key, source, nonce)
                .thenCompose(nothing -> run("put", key, () -> {
                    Path target = files.pathOf(key);
                    files.finish(target, nonce);
                    openFiles.invalidate(target);
                    return (Void) null;
                }))
                .handle((nothing, error) ->
                        error == null ? CompletableFuture.<Void>completedFuture(null) : discard(key, nonce, error))
                .thenCompose(outcome -> outcome);
    }

    private CompletableFuture<Void> appendFrom(String key, PieceSource source, String nonce) {
        return source.next()
                .thenCompose(piece -> run("put", key, () -> {
                    files.append(Body.of(piece), nonce);
                    return PieceSource.sizeBytes(piece) == 0;
                }))
                .thenCompose(isEnd -> isEnd ? CompletableFuture.completedFuture(null) : appendFrom(key, source, nonce));
    }

    private CompletableFuture<Void> discard(String key, String nonce, Throwable error) {
        return run("put", key, () -> {
                    files.discard(nonce);
                    return (Void) null;
                })
                .handle((nothing, second) -> {
                    throw FreshetException.of(error);
                });
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        return run("put-if-absent", key, () -> {
            boolean created = files.create(files.pathOf(key), body, nonce);
            return created ? PutOutcome.CREATED : PutOutcome.ALREADY_EXISTS;
        });
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        return run("looking up the author", key, () -> {
            Path path = files.pathOf(key);
            if (!Files.isRegularFile(path)) {
                return Author.NO_OBJECT;
            }
            return files.nonceOf(path)
                    .map(found -> found.equals(nonce) ? Author.SAME_NONCE : Author.OTHER_NONCE)
                    .orElse(Author.UNSIGNED);
        });
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        return run(readPool, "read", key, () -> {
            OpenFiles.Lease lease = openFiles.acquire(files.pathOf(key));
            try {
                fill(lease.channel, key, position, target);
            } finally {
                openFiles.release(lease);
            }
            return null;
        });
    }

    private void fill(FileChannel channel, String key, long position, ByteBuffer target) throws IOException {
        long at = position;
        int wanted = target.remaining();
        int limit = target.limit();
        while (target.position() < limit) {
            if (!target.isDirect()) {
                // The JDK keeps a direct copy buffer per thread as large as the largest heap read; bound it.
                target.limit(Math.min(limit, target.position() + CHUNK_BYTES));
            }
            int count = channel.read(target, at);
            if (count < 0) {
                throw new FreshetException(
                        ErrorKind.CORRUPT,
                        "Object '" + key + "' in " + describe() + " has " + channel.size() + " bytes, but " + wanted
                                + " at " + position + " were asked for; check what named that range");
            }
            at += count;
        }
        target.limit(limit);
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return run("stat", key, () -> {
            try {
                BasicFileAttributes found = Files.readAttributes(files.pathOf(key), BasicFileAttributes.class);
                return found.isRegularFile()
                        ? Optional.of(new ObjectStat(
                                key, found.size(), found.lastModifiedTime().toMillis()))
                        : Optional.empty();
            } catch (NoSuchFileException e) {
                return Optional.empty();
            }
        });
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return run(
                "list",
                prefix,
                () -> StoreDriver.page(new KeyWalk(prefix, startAfter, maxKeys + 1).from(root), maxKeys));
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        return run("delete", keys.isEmpty() ? "" : keys.iterator().next(), () -> {
            Map<String, String> failed = new HashMap<>();
            Set<Path> touched = new HashSet<>();
            for (String key : keys) {
                Path path = files.pathOf(key);
                try {
                    files.delete(path);
                    touched.add(ObjectFiles.parentOf(path));
                } catch (IOException e) {
                    failed.put(
                            key,
                            String.valueOf(FileErrors.of("delete", key, root, e).getMessage()));
                }
                openFiles.invalidate(path);
            }
            files.syncDirectories(touched);
            return new DeleteOutcome(failed);
        });
    }

    private <T> CompletableFuture<T> run(String op, String key, Callable<T> work) {
        return run(pool, op, key, work);
    }

    private <T> CompletableFuture<T> run(ExecutorService executor, String op, String key, Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            executor.execute(() -> complete(result, op, key, work));
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(new FreshetException(
                    executor.isShutdown() ? ErrorKind.INVALID : ErrorKind.THROTTLED,
                    "File store " + root + " refused the " + op + " of '" + key + "': "
                            + (executor.isShutdown()
                                    ? "it is closed"
                                    : QUEUE_LENGTH + " calls wait already; retry later"),
                    e));
        }
        return result;
    }

    private <T> void complete(CompletableFuture<T> result, String op, String key, Callable<T> work) {
        T value;
        try {
            value = work.call();
        } catch (IOException e) {
            result.completeExceptionally(FileErrors.of(op, key, root, e));
            return;
        } catch (Exception e) {
            result.completeExceptionally(FreshetException.of(e));
            return;
        }
        result.complete(value);
    }

    @Override
    public String describe() {
        return "file://" + root;
    }

    @Override
    public void close() {
        Threads.stop(readPool, STOP_TIMEOUT);
        Threads.stop(pool, STOP_TIMEOUT);
        openFiles.close();
    }
}

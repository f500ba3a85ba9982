// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;

/**
 * For how long a sweep has seen its suspects, kept in one small object so that a restart does not begin anew. What is kept are
 * durations, not times: no clock's reading outlives the process that took it, and the time between two processes does not
 * count. The object exists only while there are suspects; one that cannot be read counts as none. Calls follow one another.
 */
final class SuspectAges {
    private static final String TITLE = "freshet-sweep 1";
    private static final long MAX_BYTES = 64L << 20;

    private final ObjectStore store;
    private final String key;
    private boolean mayExist = true;

    SuspectAges(ObjectStore store, String key) {
        this.store = store;
        this.key = key;
    }

    /**
     * A suspect as it was saved.
     *
     * @param modifiedAtMs when it was written, by the store's clock: tells it from another object under its key
     * @param ageMs how long it has been seen; it is at least as old
     */
    record Age(long modifiedAtMs, long ageMs) {}

    /** By key; empty if nothing was saved, or what was saved is damaged. */
    CompletableFuture<Map<String, Age>> load() {
        return store.stat(key).thenCompose(stat -> {
            mayExist = stat.isPresent();
            if (stat.isEmpty() || stat.get().sizeBytes() > MAX_BYTES) {
                return CompletableFuture.completedFuture(Map.of());
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) stat.get().sizeBytes());
            return store.read(key, 0, bytes).handle((done, error) -> {
                if (error == null) {
                    return decode(StandardCharsets.UTF_8.decode(bytes.flip()).toString())
                            .orElse(Map.of());
                }
                FreshetException cause = FreshetException.of(error);
                if (cause.kind() == ErrorKind.MISSING || cause.kind() == ErrorKind.CORRUPT) {
                    return Map.of();
                }
                throw cause;
            });
        });
    }

    /** Replaces what was saved; nothing is left in the store if {@code ages} is empty. */
    CompletableFuture<Void> save(Map<String, Age> ages) {
        if (ages.isEmpty()) {
            return mayExist
                    ? store.delete(List.of(key))
                            .thenAccept(outcome -> mayExist = !outcome.failed().isEmpty())
                    : CompletableFuture.completedFuture(null);
        }
        mayExist = true;
        return store.put(key, List.of(ByteBuffer.wrap(encode(ages).getBytes(StandardCharsets.UTF_8))));
    }

    static String encode(Map<String, Age> ages) {
        StringBuilder text = new StringBuilder(TITLE).append('\n');
        new TreeMap<>(ages)
                .forEach((key, age) -> text.append(age.ageMs)
                        .append(' ')
                        .append(age.modifiedAtMs)
                        .append(' ')
                        .append(key)
                        .append('\n'));
        return text + crcOf(text.toString()) + "\n";
    }

    /** Empty if any byte is not as {@link #encode} wrote it. */
    static Optional<Map<String, Age>> decode(String text) {
        int crcAt = text.lastIndexOf('\n', text.length() - 2) + 1;
        if (!text.startsWith(TITLE + "\n") || !text.substring(crcAt).equals(crcOf(text.substring(0, crcAt)) + "\n")) {
            return Optional.empty();
        }
        Map<String, Age> ages = new HashMap<>();
        for (String line : text.substring(TITLE.length() + 1, crcAt).split("\n", -1)) {
            String[] fields = line.split(" ", 3);
            if (fields.length == 3) {
                ages.put(fields[2], new Age(Long.parseLong(fields[1]), Long.parseLong(fields[0])));
            }
        }
        return Optional.of(ages);
    }

    private static String crcOf(String text) {
        CRC32C crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }
}

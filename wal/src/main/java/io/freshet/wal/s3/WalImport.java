// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.s3.SlotFormat.EncodedSlot;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Writes records that another WAL of a dead broker holds as slots of an S3 WAL, so that whoever takes its partitions reads them like those of
 * any sealed WAL. The quorum learns of the WAL only when all of it, its fence included, lies in the store: until then it is garbage, which the
 * sweep of slots deletes after its grace period. Blocks; used by one thread, which is not one of the services' executor.
 */
public final class WalImport implements RecoveryVisitor {
    private static final int TRIES = 10;
    private static final int SLOT_BYTES = 8 << 20;

    private final Target target;
    private final ObjectStore store;
    private final WalRegistry registry;
    private final SlotFormat format;
    private final Backoff backoff;
    private final SlotListing listing;
    private final Awaiting awaiting;
    private final Map<Long, Long> streamEnds = new HashMap<>();
    private final List<WalEntry> entries = new ArrayList<>();
    private long walEpoch;
    private long bytes;
    private long nextSlot;
    private long records;

    /**
     * Whose records.
     *
     * @param brokerId the dead broker, in whose name the slots are written: readers take records from a WAL's owner only
     * @param brokerEpoch its registration; the WAL gets a later one
     */
    public record Target(int brokerId, long brokerEpoch) {}

    /** How the caller's thread waits, and for how long: much less, in all, than slots that nobody knows are kept. */
    public interface Awaiting {
        <T> T result(CompletableFuture<T> answer);
    }

    public WalImport(
            Target target,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services,
            Awaiting awaiting) {
        this.target = target;
        this.store = store;
        this.registry = registry;
        this.format = format;
        this.awaiting = awaiting;
        this.backoff = new Backoff(new SerialTasks(services.executor()), services.scheduler(), services.randomness());
        this.listing = new SlotListing(store, backoff);
        this.walEpoch = target.brokerEpoch();
    }

    /** Records written so far. */
    public long records() {
        return records;
    }

    /** One record; its payload is copied. Those of one stream come in offset order. */
    @Override
    public void record(long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
        byte[] copy = new byte[payload.remaining()];
        payload.get(payload.position(), copy);
        entries.add(new ImportedEntry(streamId, leaderEpoch, baseOffset, endOffset, ByteBuffer.wrap(copy)));
        bytes += copy.length;
        if (bytes >= SLOT_BYTES) {
            writeSlot();
        }
    }

    /**
     * Writes what is left and the fence.
     *
     * @return the seal of the WAL for the quorum; one without streams, and nothing was written, if there were no records
     */
    public WalSeal finish() {
        if (records == 0 && entries.isEmpty()) {
            return new WalSeal(target.brokerId(), target.brokerEpoch() + 1, 0, Map.of());
        }
        if (!entries.isEmpty()) {
            writeSlot();
        }
        put(nextSlot, name -> format.fence(name));
        return new WalSeal(target.brokerId(), walEpoch, nextSlot, streamEnds);
    }

    private void writeSlot() {
        if (walEpoch == target.brokerEpoch()) {
            walEpoch = unusedEpoch();
        }
        put(nextSlot, name -> format.encode(name, entries));
        nextSlot++;
        records += entries.size();
        entries.forEach(entry -> streamEnds.merge(entry.streamId(), entry.endOffset(), Math::max));
        entries.clear();
        bytes = 0;
    }

    /** What a former import may have left is not touched: another process may still be at it. */
    private long unusedEpoch() {
        long epoch = target.brokerEpoch() + 1;
        while (!await(listing.list(target.brokerId(), epoch, 0)).isEmpty()) {
            epoch++;
        }
        return epoch;
    }

    private interface Encoding {
        EncodedSlot of(SlotName name);
    }

    private void put(long slot, Encoding encoding) {
        SlotKey key = new SlotKey(target.brokerId(), walEpoch, slot);
        IdRange nonce = await(backoff.repeat(TRIES, () -> registry.reserveObjectIds(1)));
        SlotName name = new SlotName(key, target.brokerId(), nonce.first());
        EncodedSlot encoded = encoding.of(name);
        PutOutcome outcome =
                await(backoff.<PutOutcome>repeat(TRIES, () -> store.putIfAbsent(SlotWrite.keyOf(key), encoded.body())));
        if (outcome != PutOutcome.CREATED && !isOurs(name, encoded.sizeBytes())) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Slot '" + SlotWrite.keyOf(key) + "' was written by another process that brings in the same WAL;"
                            + " it is tried again");
        }
    }

    /** Whether a put whose answer was lost came first. */
    private boolean isOurs(SlotName name, long sizeBytes) {
        String key = SlotWrite.keyOf(name.key());
        boolean isAlike = await(backoff.repeat(TRIES, () -> store.stat(key)))
                .map(stat -> stat.sizeBytes() == sizeBytes)
                .orElse(false);
        if (!isAlike) {
            return false;
        }
        ByteBuffer found = ByteBuffer.allocate(Math.toIntExact(sizeBytes));
        await(backoff.repeat(TRIES, () -> store.read(key, 0, found.clear())));
        return format.read(
                        name.key(),
                        found.rewind().limit((int) sizeBytes),
                        0,
                        (lsn, stream, epoch, base, end, payload) -> {})
                .name()
                .equals(name);
    }

    private <T> T await(CompletableFuture<T> answer) {
        return awaiting.result(answer);
    }

    private record ImportedEntry(long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload)
            implements WalEntry {
        @Override
        public ByteBuffer payload() {
            return payload.duplicate();
        }

        @Override
        public int payloadSizeBytes() {
            return payload.remaining();
        }

        @Override
        public void onDurable(long lsn) {}

        @Override
        public void onFailed(FreshetException cause) {}
    }
}

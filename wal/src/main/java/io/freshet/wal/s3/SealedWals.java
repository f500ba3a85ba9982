// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.micrometer.core.instrument.Counter;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What sealed WALs, of any broker, hold of single streams. Streams that are asked for at about the same time share one pass over
 * a WAL's slots, and so does everybody in the process; which streams a slot holds is remembered, so that later passes read
 * only the slots they need. Every slot is verified whole, as in recovery.
 *
 * <p>Safe for use by many threads; the work, and the readers' callbacks, run on the executor of the services, one at a time.
 */
public final class SealedWals {
    /** A pass waits this long for company since the last request came, and not longer than the second since the first. */
    private static final long GATHER_MS = 10;

    private static final long LONGEST_GATHER_MS = 50;
    private static final int PASSES = 2;

    private final Bounds bounds;
    private final ObjectStore store;
    private final WalCatalog catalog;
    private final WalRegistry registry;
    private final SlotFormat format;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final SlotListing listing;
    private final S3WalServices services;
    private final WalSeals seals;
    private final Counter slotsRead;
    private final Map<WalKey, Source> sources = new HashMap<>();
    private final ArrayDeque<Source> due = new ArrayDeque<>();
    private int passes;

    /**
     * How much is read at a time.
     *
     * @param readAheadSlots slots of one WAL
     * @param readAheadBytes their bytes, of all passes together; a single slot may be larger
     */
    public record Bounds(int readAheadSlots, long readAheadBytes) {
        public static final Bounds DEFAULT = new Bounds(16, 64L << 20);
    }

    /**
     * A sealed WAL that holds records of a stream.
     *
     * @param endOffset end of the last one
     */
    public record Holding(int brokerId, long brokerEpoch, long endOffset) {}

    /** Receives the records of one stream out of one WAL, slot by slot, those of a slot in offset order. */
    public interface Reader {
        /** The payload view is valid only during the call. */
        void record(int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload);
    }

    private record Request(
            long streamId, long fromOffset, long endOffset, Reader reader, CompletableFuture<Void> done) {}

    /** One WAL, its requests, and what is known of its slots. */
    private static final class Source {
        private final WalKey key;
        private final SlotDirectory directory = new SlotDirectory();
        private List<Request> waiting = new ArrayList<>();
        private @Nullable NavigableMap<Long, Long> sizes;
        private boolean isBusy;
        private long firstAtNs;
        private long lastAtNs;

        Source(WalKey key) {
            this.key = key;
        }
    }

    public SealedWals(
            Bounds bounds,
            ObjectStore store,
            WalCatalog catalog,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services) {
        this.bounds = bounds;
        this.store = store;
        this.catalog = catalog;
        this.registry = registry;
        this.format = format;
        this.services = services;
        this.tasks = new SerialTasks(services.executor());
        this.backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        this.listing = new SlotListing(store, backoff);
        this.seals = new WalSeals(catalog);
        this.slotsRead = services.meters().counter("freshet.wal.s3.sealed.slots.read");
    }

    /** The sealed WALs that hold records of the stream which end behind {@code fromOffset}, and are not freed. */
    public List<Holding> holding(long streamId, long fromOffset) {
        List<Holding> holding = new ArrayList<>(1);
        for (WalSeal seal : seals.unfreed()) {
            Long end = seal.streamEnds().get(streamId);
            if (end != null && end > fromOffset) {
                holding.add(new Holding(seal.brokerId(), seal.brokerEpoch(), end));
            }
        }
        return holding;
    }

    /**
     * Gives {@code reader} the stream's records that end behind {@code fromOffset}.
     *
     * @return completes when the reader has seen all of them; fails with CORRUPT if a slot is damaged or missing, MISSING if the
     *     WAL was freed meanwhile (its records are in objects: look at the manifest again), UNAVAILABLE if the store does not
     *     answer for long, and with whatever the reader throws
     */
    public CompletableFuture<Void> read(Holding holding, long streamId, long fromOffset, Reader reader) {
        Request request = new Request(streamId, fromOffset, holding.endOffset(), reader, new CompletableFuture<>());
        WalKey key = new WalKey(holding.brokerId(), holding.brokerEpoch());
        tasks.execute(() -> add(key, request));
        return request.done;
    }

    private void add(WalKey key, Request request) {
        Source source = sources.computeIfAbsent(key, Source::new);
        source.lastAtNs = services.clock().nanoTime();
        if (source.waiting.isEmpty()) {
            source.firstAtNs = source.lastAtNs;
        }
        source.waiting.add(request);
        if (!source.isBusy) {
            source.isBusy = true;
            backoff.after(GATHER_MS, () -> gather(source));
        }
    }

    private void gather(Source source) {
        long nowNs = services.clock().nanoTime();
        boolean isQuiet = nowNs - source.lastAtNs >= GATHER_MS * 1_000_000;
        if (isQuiet || nowNs - source.firstAtNs >= LONGEST_GATHER_MS * 1_000_000) {
            due.add(source);
            startPasses();
        } else {
            backoff.after(GATHER_MS, () -> gather(source));
        }
    }

    private void startPasses() {
        Source source;
        while (passes < PASSES && (source = due.poll()) != null) {
            passes++;
            Source next = source;
            Pass pass = new Pass(next);
            Backoff.start(pass::run).whenComplete((done, error) -> tasks.execute(() -> ended(next, pass, error)));
        }
    }

    private void ended(Source source, Pass pass, @Nullable Throwable error) {
        passes--;
        if (error == null) {
            pass.completeAll();
        } else {
            failed(source.key, pass, FreshetException.of(error));
        }
        if (!source.waiting.isEmpty()) {
            due.add(source);
        } else {
            source.isBusy = false;
            if (state(source.key).isEmpty()) {
                sources.remove(source.key);
            }
        }
        startPasses();
    }

    /** A slot that is not there is no loss if the WAL was freed meanwhile. */
    private void failed(WalKey key, Pass pass, FreshetException failure) {
        if (failure.kind() != ErrorKind.CORRUPT) {
            pass.failAll(failure);
            return;
        }
        backoff.repeat(3, () -> registry.refreshed(key.brokerId(), key.brokerEpoch()))
                .whenComplete((present, error) -> {
                    boolean isFreed =
                            error == null && (present.isEmpty() || present.get().isFreed());
                    pass.failAll(isFreed ? freed(key) : failure);
                });
    }

    private Optional<WalState> state(WalKey key) {
        return catalog.wals().stream()
                .filter(wal -> WalKey.of(wal).equals(key) && wal.isSealed() && !wal.isFreed())
                .findFirst();
    }

    private static FreshetException freed(WalKey key) {
        return new FreshetException(
                ErrorKind.MISSING, "Of " + key + " everything is in objects now; look at the manifest again");
    }

    /** One reading of a WAL's slots for the requests that had come when it began. */
    private final class Pass {
        private final Source source;
        private final Map<Long, List<Request>> open = new HashMap<>();
        private final List<Request> complete = new ArrayList<>();
        private long startSlot;
        private long slot = -1;

        Pass(Source source) {
            this.source = source;
        }

        CompletableFuture<Void> run() {
            for (Request request : source.waiting) {
                open.computeIfAbsent(request.streamId, id -> new ArrayList<>(1)).add(request);
            }
            source.waiting = new ArrayList<>();
            WalState wal = state(source.key).orElseThrow(() -> freed(source.key));
            startSlot = wal.startSlot();
            NavigableMap<Long, Long> sizes = source.sizes;
            CompletableFuture<NavigableMap<Long, Long>> listed = sizes != null
                    ? CompletableFuture.completedFuture(sizes)
                    : listing.list(wal.brokerId(), wal.brokerEpoch(), startSlot);
            return listed.thenCompose(found -> {
                source.sizes = found;
                SlotReads reads = new SlotReads(
                        store, format, tasks, backoff, bounds.readAheadSlots(), bounds.readAheadBytes() / PASSES);
                return reads.read(wal, found, wal.sealedEndSlot(), 0, this::isWanted, this::visit)
                        .thenAccept(done -> slotEnded());
            });
        }

        private boolean isWanted(long number) {
            return !open.isEmpty() && source.directory.mayHold(number, open.keySet());
        }

        private void visit(
                long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
            if (startSlot + lsn != slot) {
                slotEnded();
                slot = startSlot + lsn;
                slotsRead.increment();
            }
            source.directory.note(slot, streamId);
            for (Request request : open.getOrDefault(streamId, List.of())) {
                if (endOffset > request.fromOffset && !request.done.isDone()) {
                    give(request, leaderEpoch, baseOffset, endOffset, payload);
                }
                if (endOffset >= request.endOffset) {
                    complete.add(request);
                }
            }
        }

        private void give(Request request, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
            try {
                request.reader.record(leaderEpoch, baseOffset, endOffset, payload.duplicate());
            } catch (RuntimeException e) {
                request.done.completeExceptionally(FreshetException.of(e));
            }
        }

        /** Streams that have all they need do not wait for the others. */
        private void slotEnded() {
            source.directory.ended(slot);
            for (Request request : complete) {
                List<Request> same = open.get(request.streamId);
                if (same != null && same.remove(request) && same.isEmpty()) {
                    open.remove(request.streamId);
                }
                request.done.complete(null);
            }
            complete.clear();
        }

        void completeAll() {
            open.values().forEach(requests -> requests.forEach(request -> request.done.complete(null)));
        }

        void failAll(FreshetException failure) {
            open.values().forEach(requests -> requests.forEach(request -> request.done.completeExceptionally(failure)));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.inspect.StoragePages;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.WalState;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * Verifies the slots of the S3 WALs that the quorum knows: those from a WAL's start to its seal, or, while it is written, to the
 * last acknowledged one. Where a WAL ends that another broker writes only that broker can tell; what it has is verified.
 * A slot that looks wrong counts only if the WAL still needs it when asked again. Used by one thread, which has reads done by others.
 */
final class WalFsck {
    private static final long NO_END = -1;

    private final Printing print;
    private final NodeClient node;
    private final OpenStore store;
    private final ParallelReads reads;
    private final boolean deep;
    private final Findings findings;
    private long wals;
    private long slots;

    WalFsck(Printing print, NodeClient node, OpenStore store, ParallelReads reads, boolean deep, Findings findings) {
        this.print = print;
        this.node = node;
        this.store = store;
        this.reads = reads;
        this.deep = deep;
        this.findings = findings;
    }

    void run() {
        node.wals().forEach(this::check);
    }

    private void check(StoragePages.Wal wal) {
        wals++;
        long end = endOf(wal);
        SortedSet<Long> listed = list(wal);
        if (end == NO_END) {
            print.progress("fsck: broker " + wal.brokerId() + " epoch " + wal.brokerEpoch()
                    + " writes a WAL whose end this node does not know: its " + listed.size()
                    + " slots are verified; run fsck at that broker to find missing ones");
            verify(wal, listed.stream().mapToLong(slot -> slot), NO_END);
        } else {
            verify(wal, LongStream.range(wal.startSlot(), end), end);
            verify(wal, listed.tailSet(Math.max(end, wal.startSlot())).stream().mapToLong(slot -> slot), NO_END);
        }
    }

    private static long endOf(StoragePages.Wal wal) {
        return wal.sealedEndSlot() == WalState.NOT_SEALED ? wal.acknowledgedEndSlot() : wal.sealedEndSlot();
    }

    private SortedSet<Long> list(StoragePages.Wal wal) {
        SortedSet<Long> listed = new TreeSet<>();
        String before =
                wal.startSlot() == 0 ? "" : ObjectKeys.slotKey(wal.brokerId(), wal.brokerEpoch(), wal.startSlot() - 1);
        store.forEachPage(
                ObjectKeys.walPrefix(wal.brokerId(), wal.brokerEpoch()),
                before,
                page -> page.forEach(
                        object -> ObjectKeys.slot(object.key()).ifPresent(slot -> listed.add(slot.number()))));
        return listed;
    }

    private void verify(StoragePages.Wal wal, LongStream numbers, long end) {
        List<String> keys = numbers.mapToObj(slot -> ObjectKeys.slotKey(wal.brokerId(), wal.brokerEpoch(), slot))
                .toList();
        reads.forEach(keys, key -> ObjectVerdict.of(store, key, ObjectVerdict.ANY_SIZE, deep), verdict -> {
            slots++;
            verdict.findings().forEach(finding -> addIfStillNeeded(finding, end));
            if (end != NO_END && verdict.findings().isEmpty() && verdict.isFence()) {
                addIfStillNeeded(
                        Finding.ofObject(
                                Kind.CONTRADICTION,
                                verdict.key(),
                                -1,
                                -1,
                                "it is a fence, although the WAL goes on to slot " + end),
                        end);
            }
        });
    }

    /** What was trimmed since its WAL was asked for, or vanished from where nothing need be, is no finding. */
    private void addIfStillNeeded(Finding finding, long end) {
        if (finding.kind() == Kind.MISSING && end == NO_END) {
            return;
        }
        ObjectKeys.Slot slot = ObjectKeys.slot(finding.key()).orElseThrow();
        Optional<StoragePages.Wal> now = node.wals().stream()
                .filter(wal -> wal.brokerId() == slot.brokerId() && wal.brokerEpoch() == slot.brokerEpoch())
                .findFirst();
        if (now.isPresent() && slot.number() >= now.get().startSlot()) {
            findings.add(finding);
        }
    }

    long walCount() {
        return wals;
    }

    long slotCount() {
        return slots;
    }
}

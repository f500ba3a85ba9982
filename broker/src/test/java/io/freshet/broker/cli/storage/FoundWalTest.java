// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.cli.storage.FoundWal.Slot;
import io.freshet.broker.cli.storage.FoundWal.Usable;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Each slot n holds offsets [n, n+1) of stream 1 unless it is said otherwise. */
class FoundWalTest {
    private static final Slot FENCE = new Slot(true, true, List.of());
    private static final Slot DAMAGED = new Slot(false, false, List.of());

    private final FoundWal wal = new FoundWal(7, 3);

    private static StreamSegment segment(long slot) {
        return new StreamSegment(1, slot, slot + 1, 100 + slot, 10, -1, -1);
    }

    private void addRecords(long from, long to) {
        for (long slot = from; slot < to; slot++) {
            wal.add(slot, new Slot(true, false, List.of(segment(slot))));
        }
    }

    private static WalState unsealed(long startSlot) {
        return new WalState(7, 3, startSlot, WalState.NOT_SEALED);
    }

    @Test
    void allSlotsCountUpToTheFence() {
        addRecords(4, 9);
        wal.add(9, FENCE);
        addRecords(10, 12);
        Usable usable = wal.usable(Map.of(1L, 5L));
        assertThat(usable.wal()).isEqualTo(unsealed(4));
        assertThat(usable.segments()).hasSize(5);
        assertThat(usable.lost())
                .as("what lies behind a fence was never acknowledged")
                .isEmpty();
    }

    @Test
    void whatATrimLeftBehindIsPassedOver() {
        addRecords(2, 4);
        addRecords(6, 9);
        Usable usable = wal.usable(Map.of(1L, 6L));
        assertThat(usable.wal()).isEqualTo(unsealed(6));
        assertThat(usable.segments()).hasSize(3);
        assertThat(usable.lost()).isEmpty();
    }

    @Test
    void behindAMissingSlotOnlyWhatObjectsLackIsLost() {
        addRecords(2, 4);
        addRecords(6, 9);
        Usable usable = wal.usable(Map.of(1L, 3L));
        assertThat(usable.wal()).isEqualTo(unsealed(2));
        assertThat(usable.firstMissing()).isEqualTo(4);
        assertThat(usable.lost()).extracting(StreamSegment::startOffset).containsExactly(6L, 7L, 8L);
    }

    @Test
    void aWalThatEndsAtADamagedSlotIsSealedThere() {
        addRecords(2, 4);
        wal.add(4, DAMAGED);
        addRecords(5, 6);
        Usable usable = wal.usable(Map.of());
        assertThat(usable.wal()).isEqualTo(new WalState(7, 3, 2, 4));
        assertThat(usable.seal().streamEnds()).isEqualTo(Map.of(1L, 4L));
        assertThat(usable.lost()).hasSize(1);
    }

    @Test
    void aDamagedSlotBeforeOthersIsPassedOverIfObjectsHoldWhatCameBefore() {
        addRecords(2, 4);
        wal.add(4, DAMAGED);
        addRecords(5, 7);
        Usable usable = wal.usable(Map.of(1L, 5L));
        assertThat(usable.wal()).isEqualTo(unsealed(5));
        assertThat(usable.lost()).isEmpty();
    }

    @Test
    void aFenceAloneIsAnEmptyWal() {
        wal.add(9, FENCE);
        assertThat(wal.usable(Map.of()).wal()).isEqualTo(unsealed(9));
    }

    @Test
    void onlyDamageIsAnEmptySealedWal() {
        wal.add(0, DAMAGED);
        assertThat(wal.usable(Map.of()).wal()).isEqualTo(new WalState(7, 3, 0, 0));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BatchPacerTest {
    private static final long MS = 1_000_000;

    private final BatchPacer pacer = new BatchPacer(new S3WalConfig.Batching(8 << 20, 5, 250, 100, 4, 8), 0);

    private long delayMs(long nowMs, long openedMs, boolean isFlightEmpty, long putMs) {
        long delayNs = pacer.delayNs(nowMs * MS, openedMs * MS, false, isFlightEmpty, putMs * MS);
        return (delayNs + MS - 1) / MS;
    }

    private void spend(int puts, long atMs) {
        for (int i = 0; i < puts; i++) {
            pacer.closed(atMs * MS);
        }
    }

    @Test
    void anIdleLaneWithBudgetDoesNotWait() {
        assertThat(delayMs(0, 0, true, 40)).isZero();
    }

    @Test
    void aBusyLaneWithBudgetWaitsAsLongAsTheTargetAllows() {
        assertThat(delayMs(0, 0, false, 40)).isEqualTo(60);
        assertThat(delayMs(50, 0, false, 40)).isEqualTo(10);
        assertThat(delayMs(60, 0, false, 40)).isZero();
    }

    @Test
    void aStoreSlowerThanTheTargetLeavesTheLeastAge() {
        assertThat(delayMs(0, 0, false, 400)).isEqualTo(5);
    }

    @Test
    void withoutBudgetBatchesWaitForTheNextToken() {
        spend(8, 0);
        assertThat(delayMs(0, 0, true, 40)).isEqualTo(250);
        assertThat(delayMs(100, 0, true, 40)).isEqualTo(150);
        assertThat(delayMs(100, 50, true, 40)).isEqualTo(150);
        assertThat(delayMs(250, 100, true, 40)).isZero();
    }

    @Test
    void noBatchWaitsBeyondTheGreatestAge() {
        BatchPacer poor = new BatchPacer(new S3WalConfig.Batching(8 << 20, 5, 250, 100, 0.5, 1), 0);
        poor.closed(0);
        assertThat(poor.delayNs(0, 0, false, false, 0)).isEqualTo(250 * MS);
        assertThat(poor.delayNs(250 * MS, 0, false, false, 0)).isZero();
    }

    @Test
    void fullBatchesDoNotWaitAndLeaveNoDebt() {
        spend(100, 0);
        assertThat(pacer.delayNs(0, 0, true, false, 0)).isZero();
        assertThat(pacer.tokens()).isZero();
        assertThat(delayMs(0, 0, true, 40)).isEqualTo(250);
    }

    @Test
    void savedPutsAreBounded() {
        assertThat(delayMs(3_600_000, 3_600_000, true, 40)).isZero();
        assertThat(pacer.tokens()).isEqualTo(8);
    }
}

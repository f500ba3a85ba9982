// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.util.concurrent.CompletableFuture;

/** A WAL that passes everything on. */
class TamperedWal implements WriteAheadLog {
    private final WriteAheadLog real;

    TamperedWal(WriteAheadLog real) {
        this.real = real;
    }

    @Override
    public void append(WalEntry entry) {
        real.append(entry);
    }

    @Override
    public CompletableFuture<Void> trim(long lsn) {
        return real.trim(lsn);
    }

    @Override
    public long startLsn() {
        return real.startLsn();
    }

    @Override
    public long endLsn() {
        return real.endLsn();
    }

    @Override
    public long capacityBytes() {
        return real.capacityBytes();
    }

    @Override
    public long usedBytes() {
        return real.usedBytes();
    }

    @Override
    public void close() {
        real.close();
    }
}

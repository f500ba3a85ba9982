// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The seals of the WALs that may still hold records which no object holds. A seal never changes, so that each is read from the
 * metadata once. Safe for use by many threads.
 */
final class WalSeals {
    private final WalCatalog catalog;
    private final Map<WalKey, WalSeal> known = new ConcurrentHashMap<>();

    WalSeals(WalCatalog catalog) {
        this.catalog = catalog;
    }

    /** Seals of the WALs that are sealed and not freed. */
    List<WalSeal> unfreed() {
        List<WalSeal> seals = new ArrayList<>();
        Set<WalKey> present = new HashSet<>();
        for (WalState wal : catalog.wals()) {
            if (!wal.isSealed() || wal.isFreed()) {
                continue;
            }
            WalKey key = WalKey.of(wal);
            WalSeal seal = seal(key);
            if (seal != null) {
                present.add(key);
                seals.add(seal);
            }
        }
        if (known.size() > present.size()) {
            known.keySet().retainAll(present);
        }
        return seals;
    }

    private @Nullable WalSeal seal(WalKey key) {
        WalSeal seal = known.get(key);
        if (seal == null) {
            seal = catalog.seal(key.brokerId(), key.brokerEpoch()).orElse(null);
            if (seal != null) {
                known.put(key, seal);
            }
        }
        return seal;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.nio.ByteBuffer;
import java.util.List;

/** How entries become the bytes of a slot and records again. Storage implements it with the format of its objects. Safe for many threads. */
public interface SlotFormat {
    /**
     * Lays out entries (those of one stream in offset order) as one slot. The result refers to the entries' payloads, which
     * are not copied and must not change while it is used.
     */
    EncodedSlot encode(SlotName name, List<WalEntry> entries);

    /** A fence: a slot without records that nobody mistakes for one with records. */
    EncodedSlot fence(SlotName name);

    /**
     * Verifies a whole slot's bytes and gives each record to {@code visitor} with {@code lsn}, each stream's in offset order.
     * Fails with CORRUPT, naming the slot, position and offsets, if a byte is wrong; nothing was visited then.
     */
    SlotContent read(SlotKey key, ByteBuffer bytes, long lsn, WriteAheadLog.RecoveryVisitor visitor);

    /** Which slot of which WAL. */
    record SlotKey(int brokerId, long brokerEpoch, long slot) {}

    /**
     * A slot's key and nonce.
     *
     * @param writerId broker that writes it: the owner, or who fences it
     * @param nonce object id reserved for this slot; tells one's own slot from a stranger's under the same key
     */
    record SlotName(SlotKey key, int writerId, long nonce) {}

    /** A slot's bytes. */
    record EncodedSlot(List<ByteBuffer> body, long sizeBytes) {
        public EncodedSlot {
            body = List.copyOf(body);
        }
    }

    /** What a slot said of itself. */
    record SlotContent(SlotName name, boolean isFence, int recordCount) {}
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.format.ObjectParts;
import io.freshet.storage.format.SlotObjects;
import io.freshet.storage.format.SlotObjects.SlotKind;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import java.util.Optional;

/** What an object's key says that its bytes must hold. */
public sealed interface ObjectName {
    /** A data object. */
    record OfData(long objectId) implements ObjectName {}

    /** A slot of an S3 WAL. */
    record OfSlot(SlotKey key) implements ObjectName {}

    /** A name that says nothing, such as that of a copy. */
    record Unknown() implements ObjectName {}

    /** The name that {@code key} is; {@link Unknown} if Freshet gives no such key. */
    static ObjectName of(String key) {
        long objectId = ObjectKeys.objectId(key);
        if (objectId >= 0) {
            return new OfData(objectId);
        }
        return ObjectKeys.slot(key)
                .<ObjectName>map(slot -> new OfSlot(new SlotKey(slot.brokerId(), slot.brokerEpoch(), slot.number())))
                .orElse(new Unknown());
    }

    /** Whether {@code header} is that of the fence that belongs under this name. */
    default boolean isFence(ObjectParts.Header header) {
        return this instanceof OfSlot slot
                && SlotObjects.kind(slot.key(), header.slotTag()).equals(Optional.of(SlotKind.FENCE));
    }

    /** What in {@code header} this name rules out; empty if nothing. The object id of a data object is not looked at. */
    default Optional<String> contradiction(ObjectParts.Header header) {
        String tag = Integer.toHexString(header.slotTag());
        if (this instanceof OfData) {
            return header.slotTag() == 0
                    ? Optional.empty()
                    : Optional.of("it has the slot tag " + tag + " of a WAL slot");
        }
        if (!(this instanceof OfSlot slot)) {
            return Optional.empty();
        }
        Optional<SlotKind> kind = SlotObjects.kind(slot.key(), header.slotTag());
        String named = "broker " + slot.key().brokerId() + ", epoch "
                + slot.key().brokerEpoch() + ", slot " + slot.key().slot();
        if (kind.isEmpty()) {
            return Optional.of("its slot tag " + tag + " is not that of " + named + ", as its key says");
        }
        return kind.get() == SlotKind.FENCE || header.brokerId() == slot.key().brokerId()
                ? Optional.empty()
                : Optional.of("broker " + header.brokerId() + " wrote it, but its key says " + named);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

import java.util.Optional;

/** Names of objects in the bucket. Data keys begin with the id's low bits reversed, so that prefixes spread evenly. */
public final class ObjectKeys {
    /** All data objects are under this prefix. */
    public static final String DATA_PREFIX = "data/";

    /** All slots of S3 WALs are under this prefix. */
    public static final String WAL_PREFIX = "wal/";

    private ObjectKeys() {}

    /** {@code wal/<broker id>/<16 hex digits of the broker epoch>/}: the prefix of all slots of one WAL. */
    public static String walPrefix(int brokerId, long brokerEpoch) {
        return String.format("%s%d/%016x/", WAL_PREFIX, brokerId, brokerEpoch);
    }

    /** {@code <walPrefix><16 hex digits of the slot>}: ascending keys are ascending slots. */
    public static String slotKey(int brokerId, long brokerEpoch, long slot) {
        return String.format("%s%016x", walPrefix(brokerId, brokerEpoch), slot);
    }

    /** The slot in a key made by {@link #slotKey}; empty if {@code key} is not one. */
    public static Optional<Slot> slot(String key) {
        String[] parts = key.split("/", -1);
        if (parts.length != 4) {
            return Optional.empty();
        }
        try {
            Slot slot = new Slot(
                    Integer.parseInt(parts[1]),
                    Long.parseUnsignedLong(parts[2], 16),
                    Long.parseUnsignedLong(parts[3], 16));
            boolean isExact =
                    slotKey(slot.brokerId(), slot.brokerEpoch(), slot.number()).equals(key);
            return isExact ? Optional.of(slot) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Which slot of which WAL a key names. */
    public record Slot(int brokerId, long brokerEpoch, long number) {}

    /** {@code data/<4 hex digits of the reversed id>/<16 hex digits of the id>}. */
    public static String dataKey(long objectId) {
        return String.format("%s%04x/%016x", DATA_PREFIX, Long.reverse(objectId) >>> 48, objectId);
    }

    /** The id in a key made by {@link #dataKey(long)}; −1 if {@code key} is not one. */
    public static long objectId(String key) {
        if (!key.startsWith(DATA_PREFIX) || key.length() != DATA_PREFIX.length() + 21) {
            return -1;
        }
        try {
            long id = Long.parseUnsignedLong(key, key.length() - 16, key.length(), 16);
            return dataKey(id).equals(key) ? id : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}

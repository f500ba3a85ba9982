// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

/**
 * Something that is not as it should be.
 *
 * @param kind what it is
 * @param key the object's key; empty if no object is concerned
 * @param objectId −1 if none is concerned
 * @param streamId −1 if none is concerned
 * @param startOffset −1 if no offsets are concerned
 * @param endOffset exclusive; −1 if no offsets are concerned
 * @param position byte address in the object; −1 if none
 * @param message a sentence with the values
 */
public record Finding(
        Kind kind,
        String key,
        long objectId,
        long streamId,
        long startOffset,
        long endOffset,
        long position,
        String message) {
    /** Kinds of findings. */
    public enum Kind {
        /** The quorum names an object that the store does not have. */
        MISSING,
        /** Bytes do not verify. */
        DAMAGED,
        /** A manifest and an object do not say the same. */
        CONTRADICTION,
        /** Offsets that no segment holds. */
        GAP,
        /** Offsets that two segments hold. */
        OVERLAP,
        /** An object that the quorum does not know and that is too old to be on its way into a manifest. */
        EXTRA
    }

    /** A finding about offsets of a stream. */
    public static Finding ofRange(
            Kind kind, long objectId, long streamId, long startOffset, long endOffset, String message) {
        return new Finding(kind, keyOf(objectId), objectId, streamId, startOffset, endOffset, -1, message);
    }

    /** A finding about an object as a whole, or a position in it. */
    public static Finding ofObject(Kind kind, String key, long objectId, long position, String message) {
        return new Finding(kind, key, objectId, -1, -1, -1, position, message);
    }

    private static String keyOf(long objectId) {
        return objectId < 0 ? "" : io.freshet.common.stream.ObjectKeys.dataKey(objectId);
    }
}

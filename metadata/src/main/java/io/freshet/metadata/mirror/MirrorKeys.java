// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.kafka.common.Uuid;

/** Names of the mirror's objects. Ascending keys of pieces are ascending offsets. */
public final class MirrorKeys {
    /** Everything of the mirror is under this prefix. */
    public static final String PREFIX = "meta/";

    /** Names the bucket's cluster. */
    public static final String CLUSTER = "meta/cluster";

    private MirrorKeys() {}

    /** The cluster id itself if it can stand in a key beside {@link #CLUSTER}, else its bytes in hexadecimal digits. */
    static String folder(String clusterId) {
        return clusterId.matches("[A-Za-z0-9_-]{1,64}") && !clusterId.equals("cluster")
                ? clusterId
                : "x." + HexFormat.of().formatHex(clusterId.getBytes(StandardCharsets.UTF_8));
    }

    static String logPrefix(String clusterId) {
        return PREFIX + folder(clusterId) + "/log/";
    }

    static String snapshotPrefix(String clusterId) {
        return PREFIX + folder(clusterId) + "/snapshot/";
    }

    /** {@code meta/<cluster id>/log/<16 hex digits of the base offset>}. */
    static String piece(String clusterId, long baseOffset) {
        return logPrefix(clusterId) + String.format("%016x", baseOffset);
    }

    /** {@code meta/<cluster id>/snapshot/<16 hex digits of the end offset>-<32 hex digits of the writer>}. */
    static String snapshot(String clusterId, SnapshotRef ref) {
        return snapshotPrefix(clusterId) + String.format("%016x-%s", ref.endOffset(), hex(ref.writer()));
    }

    static String hex(Uuid id) {
        return String.format("%016x%016x", id.getMostSignificantBits(), id.getLeastSignificantBits());
    }

    /** The base offset in a piece's key; −1 if it is not one. */
    static long baseOffset(String key) {
        try {
            return Long.parseUnsignedLong(key, key.length() - 16, key.length(), 16);
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            return -1;
        }
    }
}

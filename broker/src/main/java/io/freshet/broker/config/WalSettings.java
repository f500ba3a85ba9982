// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The WAL lanes that the configuration asks for.
 *
 * @param lanes their names, without repetition
 * @param defaultLane the one of topics that name none; one of {@code lanes}
 * @param blockCapacityBytes size of the block lane
 * @param s3CapacityBytes bytes that the s3 lane may hold; fits into the tail cache beside the block lane if both are run
 */
public record WalSettings(List<String> lanes, String defaultLane, long blockCapacityBytes, long s3CapacityBytes) {
    private static final long LEAST_S3_BYTES = 8L << 20;

    /** Fails with INVALID if the default lane is not run, or the lanes do not fit into the tail cache. */
    static WalSettings of(KafkaSettings kafka) {
        List<String> lanes = List.copyOf(new LinkedHashSet<>(kafka.getList(WalKeys.WAL_LANES)));
        String defaultLane = kafka.getString(WalKeys.WAL_LANE);
        if (!lanes.contains(defaultLane)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    WalKeys.WAL_LANE + "=" + defaultLane + " is not among " + WalKeys.WAL_LANES + "="
                            + String.join(",", lanes) + ": name a lane that this broker runs, or add it");
        }
        long blockBytes = kafka.getLong(FreshetKeys.WAL_CAPACITY_BYTES);
        long room = kafka.getLong(FreshetKeys.CACHE_TAIL_BYTES)
                - kafka.getLong(FreshetKeys.STORAGE_UPLOAD_BYTES)
                - (lanes.contains(WalKeys.BLOCK) ? blockBytes : 0);
        if (room < 0) {
            throw tooSmall(kafka, FreshetKeys.WAL_CAPACITY_BYTES + " plus " + FreshetKeys.STORAGE_UPLOAD_BYTES);
        }
        long s3Bytes = kafka.getLong(WalKeys.WAL_S3_CAPACITY_BYTES);
        if (lanes.contains(WalKeys.S3) && s3Bytes > room) {
            boolean isGiven = kafka.originals().containsKey(WalKeys.WAL_S3_CAPACITY_BYTES);
            if (isGiven || room < LEAST_S3_BYTES) {
                throw tooSmall(
                        kafka,
                        (lanes.contains(WalKeys.BLOCK) ? FreshetKeys.WAL_CAPACITY_BYTES + " plus " : "")
                                + WalKeys.WAL_S3_CAPACITY_BYTES + " plus " + FreshetKeys.STORAGE_UPLOAD_BYTES);
            }
            s3Bytes = room;
        }
        return new WalSettings(lanes, defaultLane, blockBytes, s3Bytes);
    }

    private static FreshetException tooSmall(KafkaSettings kafka, String sum) {
        return new FreshetException(
                ErrorKind.INVALID,
                FreshetKeys.CACHE_TAIL_BYTES + "=" + kafka.getLong(FreshetKeys.CACHE_TAIL_BYTES) + " is less than "
                        + sum
                        + ": full lanes could not be recovered. Raise the one, lower the others, or run fewer lanes by "
                        + WalKeys.WAL_LANES);
    }

    public boolean runs(String lane) {
        return lanes.contains(lane);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * Levels of the feature {@code freshet.version}: what the nodes of a cluster may write into the metadata log. A cluster begins
 * at the newest level of its first controller; after an upgrade of all nodes it stays where it is until an operator raises
 * it ({@code kafka-features.sh upgrade --feature freshet.version=N}). Until then each node may go back to its older version.
 */
public final class FreshetVersion {
    public static final String FEATURE_NAME = "freshet.version";

    /** Topics, streams, objects and WALs: a quorum of one with its broker. Also of clusters that were made before levels. */
    public static final short SINGLE = 1;

    /** Members with their sessions, moves of partitions, changes of WAL lanes: what several brokers need. */
    public static final short CLUSTER = 2;

    /** What this version knows. */
    public static final Range SUPPORTED = new Range(SINGLE, CLUSTER);

    /** Levels from {@code oldest} to {@code newest}, both included. */
    public record Range(short oldest, short newest) {
        public boolean contains(int level) {
            return oldest <= level && level <= newest;
        }

        @Override
        public String toString() {
            return oldest + " to " + newest;
        }
    }

    private FreshetVersion() {}

    /** The level that the cluster runs at. */
    public static short of(MetadataImage image) {
        return image.features().finalizedVersions().getOrDefault(FEATURE_NAME, SINGLE);
    }

    /** @throws FreshetException INVALID, naming the way out, if the cluster runs at a level below {@code level} */
    public static void require(MetadataImage image, int level, String what) {
        if (of(image) < level) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    what + " needs " + FEATURE_NAME + " " + level + ", and the cluster runs at " + of(image)
                            + ": upgrade all nodes, then run bin/kafka-features.sh --bootstrap-server HOST:PORT upgrade"
                            + " --feature " + FEATURE_NAME + "=" + level);
        }
    }

    /** @throws FreshetException INVALID if a node that knows {@code supported} cannot read what the cluster may write */
    static void requireKnown(MetadataImage image, Range supported) {
        if (of(image) > supported.newest) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The cluster runs at " + FEATURE_NAME + " " + of(image) + ", this node knows " + supported
                            + ": install a newer version on it");
        }
    }

    /** The record that sets the cluster's level. */
    public static ApiMessageAndVersion record(short level) {
        return new ApiMessageAndVersion(
                new FeatureLevelRecord().setName(FEATURE_NAME).setFeatureLevel(level), (short) 0);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.Range.atLeast;
import static org.apache.kafka.common.config.ConfigDef.Range.between;
import static org.apache.kafka.common.config.ConfigDef.Type.DOUBLE;
import static org.apache.kafka.common.config.ConfigDef.Type.INT;
import static org.apache.kafka.common.config.ConfigDef.Type.LIST;
import static org.apache.kafka.common.config.ConfigDef.Type.LONG;
import static org.apache.kafka.common.config.ConfigDef.Type.STRING;

import java.util.List;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ValidString;

/** The keys of the write-ahead log and its lanes. */
public final class WalKeys {
    /** Name of the lane on a file or raw device. */
    public static final String BLOCK = "block";
    /** Name of the lane on the object store. */
    public static final String S3 = "s3";

    public static final String WAL_LANES = "wal.lanes";
    /** Also the name of the topic configuration that overrides it. */
    public static final String WAL_LANE = "wal.lane";

    public static final String WAL_LANE_DOC =
            "The write-ahead log lane that a topic's records are acknowledged by: block (a local file or raw device) or s3 (the "
                    + "object store; no local disk is needed). A change takes effect at once, without a pause.";

    public static final String WAL_TAKEOVER_PATH = "wal.takeover.path";
    /** Stands for a broker's id in {@link #WAL_TAKEOVER_PATH}. */
    public static final String TAKEOVER_BROKER = "{broker}";

    public static final String WAL_S3_CAPACITY_BYTES = "wal.s3.capacity.bytes";
    public static final String WAL_S3_BATCH_BYTES = "wal.s3.batch.bytes";
    public static final String WAL_S3_BATCH_AGE_MIN_MS = "wal.s3.batch.age.min.ms";
    public static final String WAL_S3_BATCH_AGE_MAX_MS = "wal.s3.batch.age.max.ms";
    public static final String WAL_S3_LATENCY_TARGET_MS = "wal.s3.latency.target.ms";
    public static final String WAL_S3_PUTS_PER_SECOND = "wal.s3.puts.per.second";
    public static final String WAL_S3_PUTS_IN_FLIGHT = "wal.s3.puts.in.flight";
    public static final String WAL_S3_HEDGE_MIN_MS = "wal.s3.hedge.min.ms";
    public static final String WAL_S3_FENCE_RETENTION_MS = "wal.s3.fence.retention.ms";

    private static final int MIB = 1 << 20;

    private WalKeys() {}

    /** Adds the definitions. */
    static ConfigDef addTo(ConfigDef definition) {
        definition
                .define(
                        WAL_LANES,
                        LIST,
                        List.of(BLOCK, S3),
                        ConfigDef.ValidList.in(BLOCK, S3),
                        HIGH,
                        "The write-ahead log lanes that this broker runs: block, s3 or both. A lane that is not named is run "
                                + "all the same while it may hold records of an earlier start, but no topic uses it.")
                .define(
                        WAL_LANE,
                        STRING,
                        BLOCK,
                        ValidString.in(BLOCK, S3),
                        HIGH,
                        "The lane of topics that do not name one by their topic configuration wal.lane.");
        definition.define(
                WAL_TAKEOVER_PATH,
                STRING,
                "",
                LOW,
                "Where the block write-ahead logs of all brokers are found, on NFS or on volumes that are attached to another "
                        + "machine when theirs is gone: a path in which {broker} stands for a broker's id. When a broker's "
                        + "session is over and no process holds the lock of its log, a broker that finds it there brings what it "
                        + "holds into the store, and the partitions go on elsewhere. Empty: only a broker itself recovers its "
                        + "block log.");
        return addS3To(definition);
    }

    private static ConfigDef addS3To(ConfigDef definition) {
        return definition
                .define(
                        WAL_S3_CAPACITY_BYTES,
                        LONG,
                        256L * MIB,
                        atLeast(8 * MIB),
                        MEDIUM,
                        "Bytes in the s3 lane that are not yet in objects at which appends to it wait. Unless set, lowered to "
                                + "what cache.tail.bytes leaves beside the block lane.")
                .define(
                        WAL_S3_BATCH_BYTES,
                        INT,
                        8 * MIB,
                        between(4096, 1 << 30),
                        MEDIUM,
                        "Bytes that close a batch of the s3 lane, which is written as one object.")
                .define(
                        WAL_S3_BATCH_AGE_MIN_MS,
                        INT,
                        5,
                        between(1, 60_000),
                        LOW,
                        "Least time in ms that a batch waits for company while another is on its way; the first batch after a "
                                + "pause does not wait.")
                .define(
                        WAL_S3_BATCH_AGE_MAX_MS,
                        INT,
                        250,
                        between(1, 60_000),
                        MEDIUM,
                        "Greatest time in ms that a batch waits before it is written. Under a steady load smaller than "
                                + "wal.s3.batch.bytes in this time, the lane writes one object each time it has passed.")
                .define(
                        WAL_S3_LATENCY_TARGET_MS,
                        INT,
                        100,
                        atLeast(1),
                        MEDIUM,
                        "Time in ms from append to acknowledgement that the s3 lane aims at, within its request budget.")
                .define(
                        WAL_S3_PUTS_PER_SECOND,
                        DOUBLE,
                        4.0,
                        atLeast(0.01),
                        MEDIUM,
                        "Objects a second that the s3 lane may write before its batches are full or as old as "
                                + "wal.s3.batch.age.max.ms; eight may be saved up. 2.7 with a greatest age of 375 ms saves a "
                                + "third of the requests of a steady load, whose answers then come up to 125 ms later.")
                .define(
                        WAL_S3_PUTS_IN_FLIGHT,
                        INT,
                        8,
                        between(1, 1000),
                        LOW,
                        "Objects of the s3 lane that are written at a time.")
                .define(
                        WAL_S3_HEDGE_MIN_MS,
                        INT,
                        50,
                        atLeast(1),
                        LOW,
                        "Least time in ms after which a slow write of the s3 lane is repeated beside the first.")
                .define(
                        WAL_S3_FENCE_RETENTION_MS,
                        LONG,
                        24 * 3_600_000L,
                        atLeast(1000),
                        LOW,
                        "Time in ms that the fence of an ended broker's s3 lane is kept: longer than a request may be on its way.");
    }
}

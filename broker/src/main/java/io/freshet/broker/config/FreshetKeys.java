// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.Range.atLeast;
import static org.apache.kafka.common.config.ConfigDef.Type.BOOLEAN;
import static org.apache.kafka.common.config.ConfigDef.Type.DOUBLE;
import static org.apache.kafka.common.config.ConfigDef.Type.INT;
import static org.apache.kafka.common.config.ConfigDef.Type.LONG;
import static org.apache.kafka.common.config.ConfigDef.Type.STRING;
import static org.apache.kafka.common.config.ConfigDef.ValidString.in;

import io.freshet.metadata.MemberState;
import io.freshet.metadata.balance.BalanceSettings;
import org.apache.kafka.common.config.ConfigDef;

/** The keys that Kafka does not have. Everything else in a configuration file has Kafka's name and meaning. */
public final class FreshetKeys {
    public static final String STORAGE_URI = "storage.uri";
    public static final String STORAGE_UPLOAD_BYTES = "storage.upload.bytes";
    public static final String STORAGE_UPLOAD_INTERVAL_MS = "storage.upload.interval.ms";
    public static final String STORAGE_BLOCK_BYTES = "storage.block.bytes";
    public static final String STORAGE_DELETE_GRACE_MS = "storage.delete.grace.ms";
    public static final String STORAGE_ORPHAN_GRACE_MS = "storage.orphan.grace.ms";
    public static final String STORAGE_COMPACTION_ENABLE = "storage.compaction.enable";
    public static final String STORAGE_COMPACTION_INTERVAL_MS = "storage.compaction.interval.ms";
    public static final String STORAGE_COMPACTION_BYTES_PER_SECOND = "storage.compaction.bytes.per.second";
    public static final String STORAGE_COMPACTION_MEMORY_BYTES = "storage.compaction.memory.bytes";
    public static final String STORAGE_COMPACTION_MAX_WRITE_AMPLIFICATION =
            "storage.compaction.max.write.amplification";
    public static final String CACHE_TAIL_BYTES = "cache.tail.bytes";
    public static final String CACHE_BLOCK_BYTES = "cache.block.bytes";
    public static final String CACHE_DISK_PATH = "cache.disk.path";
    public static final String CACHE_DISK_BYTES = "cache.disk.bytes";
    public static final String WAL_PATH = "wal.path";
    public static final String WAL_CAPACITY_BYTES = "wal.capacity.bytes";
    public static final String METADATA_MIRROR = "metadata.mirror";
    public static final String HTTP_LISTENER = "http.listener";
    public static final String CONTROLLED_SHUTDOWN_TIMEOUT_MS = "controlled.shutdown.timeout.ms";
    public static final String BROKER_DRAINED = MemberState.DRAINED_CONFIG;

    private static final long MIB = 1L << 20;

    /** Definitions with defaults, limits and documentation; the reference in docs/ is generated from them. */
    public static final ConfigDef CONFIG_DEF = BalanceSettings.addTo(WalKeys.addTo(new ConfigDef()))
            .define(
                    STORAGE_URI,
                    STRING,
                    "",
                    HIGH,
                    "Where objects live: file:///path, or "
                            + "s3://bucket?endpoint=…&region=…&pathStyle=true. Empty: the folder 'objects' in the first log "
                            + "directory. All brokers of a cluster name the same store.")
            .define(
                    STORAGE_UPLOAD_BYTES,
                    LONG,
                    64 * MIB,
                    atLeast(64 * 1024),
                    MEDIUM,
                    "Bytes in the WAL that are not yet in objects at which an upload begins.")
            .define(
                    STORAGE_UPLOAD_INTERVAL_MS,
                    LONG,
                    60_000L,
                    atLeast(100),
                    MEDIUM,
                    "Age in ms of the oldest such byte at which an upload begins.")
            .define(
                    STORAGE_BLOCK_BYTES,
                    INT,
                    (int) MIB,
                    atLeast(4096),
                    LOW,
                    "Target size in bytes of a data block: the unit of reads from objects and of the block cache.")
            .define(
                    STORAGE_DELETE_GRACE_MS,
                    LONG,
                    60_000L,
                    atLeast(0),
                    LOW,
                    "Time in ms between the moment an object is not needed any more and its deletion.")
            .define(
                    STORAGE_ORPHAN_GRACE_MS,
                    LONG,
                    3_600_000L,
                    atLeast(60_000),
                    LOW,
                    "Least age in ms of an object that the metadata does not know before it is deleted. An upload may be"
                            + " committed until half of it is over, and such a command may take another 24 s.")
            .define(
                    STORAGE_COMPACTION_ENABLE,
                    BOOLEAN,
                    true,
                    LOW,
                    "Whether this broker may rewrite small objects into large ones; one broker of a cluster does it at a time.")
            .define(
                    STORAGE_COMPACTION_INTERVAL_MS,
                    LONG,
                    30_000L,
                    atLeast(100),
                    LOW,
                    "Pause in ms, with jitter, between two looks for objects to rewrite.")
            .define(
                    STORAGE_COMPACTION_BYTES_PER_SECOND,
                    LONG,
                    64 * MIB,
                    atLeast(64 * 1024),
                    MEDIUM,
                    "Upper bound in bytes per second of what rewriting reads from the object store.")
            .define(
                    STORAGE_COMPACTION_MEMORY_BYTES,
                    LONG,
                    64 * MIB,
                    atLeast(MIB),
                    LOW,
                    "Memory in bytes for objects that are being rewritten.")
            .define(
                    STORAGE_COMPACTION_MAX_WRITE_AMPLIFICATION,
                    DOUBLE,
                    3.0,
                    atLeast(0.1),
                    LOW,
                    "Bytes that may be rewritten for each byte that arrived.")
            .define(
                    CACHE_TAIL_BYTES,
                    LONG,
                    832 * MIB,
                    atLeast(16 * MIB),
                    MEDIUM,
                    "Memory in bytes for acknowledged records that have not left the tail cache. "
                            + "At least the capacities of all WAL lanes plus storage.upload.bytes.")
            .define(
                    CACHE_BLOCK_BYTES,
                    LONG,
                    512 * MIB,
                    atLeast(16 * MIB),
                    MEDIUM,
                    "Direct memory in bytes for blocks read back from objects, shared by all readers.")
            .define(
                    CACHE_DISK_PATH,
                    STRING,
                    "",
                    LOW,
                    "File on a local disk for blocks read back from objects that have left memory. It is emptied at each start, "
                            + "may be lost at any time, and is best kept off the disk of the write-ahead log. "
                            + "Empty: no such cache.")
            .define(
                    CACHE_DISK_BYTES,
                    LONG,
                    0L,
                    atLeast(0),
                    LOW,
                    "Greatest size in bytes of that file. 0: no such cache.")
            .define(
                    WAL_PATH,
                    STRING,
                    "",
                    MEDIUM,
                    "File or raw device of the block write-ahead log. Empty: the one that wal.takeover.path names, or else "
                            + "'wal/block.wal' in the first log directory.")
            .define(
                    WAL_CAPACITY_BYTES,
                    LONG,
                    512 * MIB,
                    atLeast(16 * MIB),
                    MEDIUM,
                    "Size in bytes of the block write-ahead log, allocated at the first start.")
            .define(
                    METADATA_MIRROR,
                    STRING,
                    "async",
                    in("sync", "async", "off"),
                    MEDIUM,
                    "Copy of the metadata log in the object store. sync: a change is answered and takes effect only when it "
                            + "is there, so an empty directory is restored from it at the start. async: written some "
                            + "seconds later, a backup against the loss of the directory. off: none.")
            .define(
                    HTTP_LISTENER,
                    STRING,
                    "127.0.0.1:8080",
                    MEDIUM,
                    "host:port of /livez, /readyz and /metrics. Port 0 picks a free one; empty switches it off.")
            .define(
                    CONTROLLED_SHUTDOWN_TIMEOUT_MS,
                    LONG,
                    30_000,
                    atLeast(0),
                    MEDIUM,
                    "How long a broker that is told to stop waits until others lead its partitions. It does not wait if there "
                            + "is no other broker, nor when the cluster has not answered it for a session. 0: it just stops.")
            .define(
                    BROKER_DRAINED,
                    BOOLEAN,
                    false,
                    LOW,
                    "Whether the broker is to lead nothing: its partitions move to other brokers, and it gets no new ones. "
                            + "Set it while the cluster runs, for one broker (freshet broker drain, or kafka-configs.sh "
                            + "--entity-type brokers); in a configuration file it has no effect.");

    private FreshetKeys() {}
}

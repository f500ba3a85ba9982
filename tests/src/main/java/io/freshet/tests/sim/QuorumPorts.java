// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.storage.StreamMetadata;
import io.freshet.storage.compact.CompactionMetadata;
import io.freshet.wal.s3.WalCatalog;
import io.freshet.wal.s3.WalRegistry;
import org.jspecify.annotations.Nullable;

/**
 * The quorum as the storage of one process sees it.
 *
 * @param catalog all S3 WALs, where streams are opened from sealed ones as in the shipped broker; null where a broker reads its
 *     own when it starts, and {@link Takeover} the others'
 */
public record QuorumPorts(
        StreamMetadata metadata,
        WalRegistry wals,
        CompactionMetadata compaction,
        @Nullable WalCatalog catalog) {}

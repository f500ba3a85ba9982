// SPDX-License-Identifier: Apache-2.0
/** Questions about a partition's offsets: ListOffsets, OffsetForLeaderEpoch, DeleteRecords, DescribeProducers. Runs on event loops and completes on storage threads; nothing blocks. */
@NullMarked
package io.freshet.broker.offsets;

import org.jspecify.annotations.NullMarked;

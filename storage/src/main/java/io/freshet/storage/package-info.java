// SPDX-License-Identifier: Apache-2.0
/**
 * Streams on shared storage. The one entrance is {@link io.freshet.storage.StreamStorage}: it opens streams, appends
 * them to a WAL lane, keeps the tail in memory, uploads sealed segments, and reads back from memory or objects. Record
 * batches are opaque but for the fixed fields of Kafka's v2 batch header.
 */
@NullMarked
package io.freshet.storage;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/**
 * The records that Freshet adds to Kafka's in the metadata log and its snapshots: hand-written, versioned, big-endian.
 * Values; they live in whatever thread reads or writes the log.
 */
@NullMarked
package io.freshet.metadata.record;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/**
 * The state machine: the fold of the metadata log into Kafka's immutable image (memory) and the tables of streams,
 * manifests and objects (RocksDB). Written by the metadata thread alone; read by any thread.
 */
@NullMarked
package io.freshet.metadata.state;

import org.jspecify.annotations.NullMarked;

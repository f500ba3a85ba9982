// SPDX-License-Identifier: Apache-2.0
/**
 * The replicated log: the port {@link io.freshet.metadata.log.MetadataLog} and its implementation on Kafka's Raft client.
 * Raft's client and driver do not appear outside this package.
 */
@NullMarked
package io.freshet.metadata.log;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** A bridge to what is package-private in Kafka's Raft client, for the simulator alone. */
@NullMarked
package org.apache.kafka.raft;

import org.jspecify.annotations.NullMarked;

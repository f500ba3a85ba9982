// SPDX-License-Identifier: Apache-2.0
/** Produce requests: from the event loop to the partitions, and back when everything is durable. No thread waits. */
@NullMarked
package io.freshet.broker.produce;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** Counts of requests, bytes, errors and latency per operation. It has no threads of its own. */
@NullMarked
package io.freshet.objectstore.metrics;

import org.jspecify.annotations.NullMarked;

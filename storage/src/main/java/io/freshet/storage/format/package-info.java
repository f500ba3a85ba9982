// SPDX-License-Identifier: Apache-2.0
/** Bytes at rest: the object format, and the fixed fields of Kafka's record batches. Pure functions, free of threads. */
@NullMarked
package io.freshet.storage.format;

import org.jspecify.annotations.NullMarked;

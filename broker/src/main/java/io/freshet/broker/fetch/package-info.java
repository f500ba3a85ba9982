// SPDX-License-Identifier: Apache-2.0
/** Serves Fetch: sessions, reads, and waiting for data without a thread. Runs on event loops and on the threads that complete reads or advance high watermarks; nothing blocks. */
@NullMarked
package io.freshet.broker.fetch;

import org.jspecify.annotations.NullMarked;

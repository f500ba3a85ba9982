// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.util.concurrent.CompletableFuture;

/** A caller's wish that everything below {@code lsn} be dropped; {@code done} completes when that is durable. */
record TrimRequest(long lsn, CompletableFuture<Void> done) {}

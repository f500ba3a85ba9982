// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

/** Takes record batches one by one, in the order of their positions. */
@FunctionalInterface
public interface BatchVisitor {
    /** Visits nothing. */
    BatchVisitor NONE = (block, batch) -> {};

    /** A batch of block number {@code block}. */
    void visit(int block, BatchSummary batch);
}

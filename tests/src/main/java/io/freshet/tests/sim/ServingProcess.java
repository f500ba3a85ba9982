// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import org.jspecify.annotations.Nullable;

/** A broker's process as clients see it. */
public interface ServingProcess {
    SimProcess process();

    /** What this process serves of the stream; null if nothing. */
    @Nullable
    ServedPartition partition(long streamId);
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import java.util.concurrent.atomic.LongAdder;

/** Totals of one open partition since it was opened. Safe for use by many threads; a count costs two additions per request. */
public final class LoadCounters {
    private final LongAdder bytesIn = new LongAdder();
    private final LongAdder bytesOut = new LongAdder();
    private final LongAdder requests = new LongAdder();

    /** A produce request appended {@code bytes} to the partition. */
    public void produced(int bytes) {
        bytesIn.add(bytes);
        requests.increment();
    }

    /** A fetch was answered with {@code bytes} of the partition. */
    public void fetched(int bytes) {
        bytesOut.add(bytes);
        requests.increment();
    }

    public long bytesIn() {
        return bytesIn.sum();
    }

    public long bytesOut() {
        return bytesOut.sum();
    }

    public long requests() {
        return requests.sum();
    }
}

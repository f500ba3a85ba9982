// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.protocol.SlicedRecords;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.requests.ShareFetchResponse;
import org.jspecify.annotations.Nullable;

/** Finds the shared memory inside a response. */
final class ResponseRecords {
    private ResponseRecords() {}

    /** Gives back every {@link SlicedRecords} that {@code response} carries. Called once per response. */
    static void release(AbstractResponse response) {
        if (response instanceof FetchResponse fetch) {
            fetch.data().responses().forEach(topic -> topic.partitions().forEach(p -> release(p.records())));
        } else if (response instanceof ShareFetchResponse fetch) {
            fetch.data().responses().forEach(topic -> topic.partitions().forEach(p -> release(p.records())));
        }
    }

    private static void release(@Nullable BaseRecords records) {
        if (records instanceof SlicedRecords sliced) {
            sliced.release();
        }
    }
}

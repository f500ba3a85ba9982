// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.FetchResponse;

/** Fetch requests that must fail in a certain way. */
final class FetchErrors {
    private static final Uuid UNKNOWN_ID = new Uuid(12, 34);

    private final ErrorCells cells;
    private final Uuid topicId;

    FetchErrors(ErrorCells cells, Uuid topicId) {
        this.cells = cells;
        this.topicId = topicId;
    }

    static FetchRequestData fetchOf(String topic, Uuid id, int partition, long offset, int epoch) {
        return new FetchRequestData()
                .setMaxWaitMs(10)
                .setMinBytes(0)
                .setMaxBytes(1 << 20)
                .setTopics(List.of(new FetchRequestData.FetchTopic()
                        .setTopic(topic)
                        .setTopicId(id)
                        .setPartitions(List.of(new FetchRequestData.FetchPartition()
                                .setPartition(partition)
                                .setFetchOffset(offset)
                                .setCurrentLeaderEpoch(epoch)
                                .setPartitionMaxBytes(1 << 20)))));
    }

    /** All of them. */
    void run() throws IOException {
        Uuid none = Uuid.ZERO_UUID;
        cells.cell("fetch", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 0, -1));
        cells.cell("fetch at the end", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 20, -1));
        cells.cell("fetch beyond", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 999, -1));
        cells.cell("fetch negative", ApiKeys.FETCH, 12, fetchOf("t", none, 0, -5, -1));
        cells.cell("fetch unknown topic", ApiKeys.FETCH, 12, fetchOf("nope", none, 0, 0, -1));
        cells.cell("fetch unknown partition", ApiKeys.FETCH, 12, fetchOf("t", none, 9, 0, -1));
        cells.cell("fetch newer epoch", ApiKeys.FETCH, 12, fetchOf("t", none, 0, 0, 99));
        cells.cell("fetch by id", ApiKeys.FETCH, 17, fetchOf("", topicId, 0, 0, 0));
        cells.cell("fetch unknown id", ApiKeys.FETCH, 17, fetchOf("", UNKNOWN_ID, 0, 0, -1));
        cells.cell("fetch zero id", ApiKeys.FETCH, 17, fetchOf("", none, 0, 0, -1));
        cells.cell(
                "fetch unknown session",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setSessionId(99).setSessionEpoch(1));
        cells.cell(
                "fetch strange epoch of no session",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setSessionEpoch(7));
        var full = (FetchResponse) cells.send(
                ApiKeys.FETCH, (short) 12, fetchOf("t", none, 0, 0, -1).setSessionEpoch(0));
        int session = full == null ? 0 : full.sessionId();
        cells.cell(
                "fetch next of session",
                ApiKeys.FETCH,
                12,
                new FetchRequestData().setMaxWaitMs(1).setSessionId(session).setSessionEpoch(1));
        cells.cell(
                "fetch wrong epoch of session",
                ApiKeys.FETCH,
                12,
                new FetchRequestData().setMaxWaitMs(1).setSessionId(session).setSessionEpoch(9));
        cells.cell(
                "fetch isolation 9",
                ApiKeys.FETCH,
                12,
                fetchOf("t", none, 0, 0, -1).setIsolationLevel((byte) 9));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import io.freshet.broker.api.IsolationLevels;
import io.freshet.broker.api.Replies;
import io.freshet.broker.fetch.PendingFetch.FetchLimits;
import io.freshet.broker.offsets.LedPartitions;
import io.freshet.common.runtime.Scheduler;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.FetchSessionIdNotFoundException;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.server.FetchContext;
import org.apache.kafka.server.FetchManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves Fetch to consumers. Tail data is answered on the calling thread; a fetch that finds too little waits as a listener
 * of its partitions and is answered on the thread that advances a high watermark. Safe for use by many threads.
 */
public final class FetchHandler implements RequestHandler {
    /** Kafka's default of {@code fetch.max.bytes}. */
    public static final int DEFAULT_MAX_BYTES = 57_671_680;

    /** A fetch that finds nothing is answered after this time at the latest: its client may ask for weeks, or be gone. */
    static final int MAX_WAIT_MS = 30_000;

    private static final Logger LOG = LoggerFactory.getLogger(FetchHandler.class);

    private final LedPartitions partitions;
    private final FetchManager sessions;
    private final Scheduler scheduler;
    private final int maxBytes;
    private final LeaderHints leaderHints;
    private final Counter sentBytes;
    private final AtomicInteger waiting;

    /**
     * @param sessions the fetch sessions of this broker; see {@link FetchSessions}
     * @param scheduler ends waits
     * @param maxBytes the most that one answer holds ({@code fetch.max.bytes}), but for one batch that is larger
     */
    public FetchHandler(
            LedPartitions partitions, FetchManager sessions, Scheduler scheduler, int maxBytes, MeterRegistry meters) {
        this.partitions = partitions;
        this.sessions = sessions;
        this.scheduler = scheduler;
        this.maxBytes = maxBytes;
        this.leaderHints = new LeaderHints(partitions.metadata());
        this.sentBytes =
                Counter.builder("freshet.fetch.bytes").baseUnit("bytes").register(meters);
        this.waiting = meters.gauge("freshet.fetch.unanswered", new AtomicInteger());
    }

    @Override
    public void handle(KafkaRequest request) {
        FetchRequest body = (FetchRequest) request.body();
        FetchContext context;
        List<PartitionFetch> wanted = new ArrayList<>();
        try {
            context = contextOf(body);
            boolean isReadCommitted =
                    IsolationLevels.isReadCommitted(body.data().isolationLevel());
            context.foreachPartition(
                    (id, data) -> wanted.add(new PartitionFetch(partitions, id, data, isReadCommitted)));
            wanted.forEach(PartitionFetch::open);
        } catch (RuntimeException e) {
            Replies.fail(request, e);
            return;
        }
        int mostBytes = Math.min(body.maxBytes(), maxBytes);
        int waitMs = Math.min(body.maxWait(), MAX_WAIT_MS);
        FetchLimits limits = new FetchLimits(Math.min(body.minBytes(), mostBytes), mostBytes, waitMs);
        waiting.incrementAndGet();
        new PendingFetch(wanted, limits, scheduler, fetch -> answer(request, context, fetch)).start();
    }

    private FetchContext contextOf(FetchRequest body) {
        Map<Uuid, String> topicNames =
                body.version() >= 13 ? partitions.metadata().image().topics().topicIdToNameView() : Map.of();
        try {
            return sessions.newContext(
                    body.version(),
                    body.metadata(),
                    false,
                    body.fetchData(topicNames),
                    body.forgottenTopics(topicNames),
                    topicNames);
        } catch (IndexOutOfBoundsException e) {
            // The library finds a session's shard by its id, and does not look whether such an id can be.
            throw new FetchSessionIdNotFoundException(
                    "There is no fetch session " + body.metadata().sessionId());
        }
    }

    private void answer(KafkaRequest request, FetchContext context, PendingFetch fetch) {
        waiting.decrementAndGet();
        FetchResponse response;
        try {
            response = responseOf(request, context, fetch);
        } catch (RuntimeException e) {
            fetch.partitions().forEach(PartitionFetch::release);
            Replies.fail(request, e);
            return;
        }
        if (response.error() == Errors.NONE) {
            sentBytes.increment(fetch.sizeBytes());
            fetch.partitions().forEach(PartitionFetch::count);
        } else {
            LOG.debug("Fetch of {} refused: {}", request.connectionId(), response.error());
            fetch.partitions().forEach(PartitionFetch::release);
        }
        request.respond(response);
    }

    private FetchResponse responseOf(KafkaRequest request, FetchContext context, PendingFetch fetch) {
        LinkedHashMap<TopicIdPartition, FetchResponseData.PartitionData> answers = new LinkedHashMap<>();
        Map<Integer, Node> leaders = new LinkedHashMap<>();
        for (PartitionFetch partition : fetch.partitions()) {
            FetchResponseData.PartitionData answer = partition.answer();
            if (request.header().apiVersion() >= 16 && LeaderHints.isWanted(partition.error())) {
                leaderHints.add(partition.id().topicPartition(), request.listenerName(), answer, leaders);
            }
            answers.put(partition.id(), answer);
        }
        return context.updateAndGenerateResponseData(answers, List.copyOf(leaders.values()));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.requests.ListGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** A front end that a test talks to over raw sockets; after each test it must have nothing left in memory. */
abstract class ServerOnSockets {
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    final ExecutorService pool = Executors.newFixedThreadPool(4);

    @Nullable
    KafkaServer server;

    int port;

    @BeforeAll
    static void recordLeaks() {
        BufferLeaks.install();
    }

    @AfterAll
    static void noLeaks() {
        BufferLeaks.assertNone();
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
            assertThat(meters.get("freshet.network.connections").gauge().value())
                    .isZero();
            assertThat(memoryInUse()).isZero();
        }
        pool.shutdownNow();
    }

    static KafkaServerConfig config() {
        return KafkaServerConfig.defaults(List.of(new Listener("PLAINTEXT", "127.0.0.1", 0)));
    }

    void start(RequestHandler handler) {
        start(config(), handler);
    }

    void start(KafkaServerConfig config, RequestHandler handler) {
        KafkaServer started = KafkaServers.start(config, handler, EnabledApis.stable(), meters, Clock.system());
        server = started;
        port = Objects.requireNonNull(started.boundPorts().get("PLAINTEXT"));
    }

    double memoryInUse() {
        return meters.get("freshet.network.request.memory").gauge().value();
    }

    double errors(String reason) {
        var counter =
                meters.find("freshet.network.errors").tag("reason", reason).counter();
        return counter == null ? 0 : counter.count();
    }

    static ListGroupsRequest listGroups() {
        return new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4);
    }

    static ListGroupsResponse noGroups() {
        return new ListGroupsResponse(new ListGroupsResponseData());
    }

    static ProduceRequest produce(byte[] value, short acks) {
        MemoryRecords records = MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(value));
        var partition =
                new ProduceRequestData.PartitionProduceData().setIndex(0).setRecords(records);
        var topic = new ProduceRequestData.TopicProduceData()
                .setTopicId(new Uuid(1, 2))
                .setPartitionData(List.of(partition));
        var data = new ProduceRequestData().setAcks(acks).setTimeoutMs(1000);
        data.topicData().add(topic);
        return new ProduceRequest(data, (short) 13);
    }

    static byte[] bytesOf(ByteBuffer view) {
        byte[] bytes = new byte[view.remaining()];
        view.duplicate().get(bytes);
        return bytes;
    }

    static byte[] randomBytes(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    static byte[] concat(byte[] a, byte[] b) {
        return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
    }

    static byte[] frameOf(ByteBuffer body) {
        return ByteBuffer.allocate(4 + body.capacity())
                .putInt(body.capacity())
                .put(body.array())
                .array();
    }

    static FetchRequest fetch() {
        return new FetchRequest(new FetchRequestData(), (short) 16);
    }

    static FetchResponse fetchResponse(CountedBytes records) {
        var partition = new FetchResponseData.PartitionData()
                .setPartitionIndex(0)
                .setHighWatermark(1)
                .setRecords(new SlicedRecords(List.of(records.retain())));
        var topic = new FetchResponseData.FetchableTopicResponse()
                .setTopicId(new Uuid(1, 2))
                .setPartitions(List.of(partition));
        return FetchResponse.of(new FetchResponseData().setResponses(List.of(topic)));
    }

    /** Direct memory that counts its references. */
    static final class CountedBytes implements SharedBytes {
        final AtomicInteger references = new AtomicInteger();
        private final ByteBuffer bytes;

        CountedBytes(int size) {
            bytes = ByteBuffer.allocateDirect(size).put(randomBytes(size)).flip();
        }

        @Override
        public ByteBuffer view() {
            return bytes.duplicate();
        }

        @Override
        public int sizeBytes() {
            return bytes.remaining();
        }

        @Override
        public SharedBytes retain() {
            references.incrementAndGet();
            return this;
        }

        @Override
        public void release() {
            assertThat(references.decrementAndGet()).isNotNegative();
        }
    }
}

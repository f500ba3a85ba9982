// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.requests.ListGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The front end against raw sockets: order, framing, bad input, back-pressure, and no buffer left behind. */
class KafkaServerTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ExecutorService pool = Executors.newFixedThreadPool(4);
    private @Nullable KafkaServer server;
    private int port;

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

    private static KafkaServerConfig config() {
        return KafkaServerConfig.defaults(List.of(new Listener("PLAINTEXT", "127.0.0.1", 0)));
    }

    private void start(RequestHandler handler) {
        start(config(), handler);
    }

    private void start(KafkaServerConfig config, RequestHandler handler) {
        KafkaServer started = KafkaServers.start(config, handler, EnabledApis.stable(), meters, Clock.system());
        server = started;
        port = Objects.requireNonNull(started.boundPorts().get("PLAINTEXT"));
    }

    private double memoryInUse() {
        return meters.get("freshet.network.request.memory").gauge().value();
    }

    private double errors(String reason) {
        var counter =
                meters.find("freshet.network.errors").tag("reason", reason).counter();
        return counter == null ? 0 : counter.count();
    }

    private static ListGroupsRequest listGroups() {
        return new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4);
    }

    private static ListGroupsResponse noGroups() {
        return new ListGroupsResponse(new ListGroupsResponseData());
    }

    private static ProduceRequest produce(byte[] value, short acks) {
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

    private static ByteBuffer recordBytes(AbstractRequest body) {
        var topic = ((ProduceRequest) body).data().topicData().iterator().next();
        return ((MemoryRecords) topic.partitionData().get(0).records()).buffer();
    }

    private static byte[] bytesOf(ByteBuffer view) {
        byte[] bytes = new byte[view.remaining()];
        view.duplicate().get(bytes);
        return bytes;
    }

    private static byte[] randomBytes(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tenThousandPipelinedRequestsAreAnsweredInOrder(boolean epoll) throws Exception {
        KafkaServerConfig config = config();
        start(config.withSockets(config.sockets().withPreferNative(epoll)), request -> {
            if (request.header().correlationId() % 3 == 0) {
                request.respond(noGroups());
            } else {
                pool.execute(() -> request.respond(noGroups()));
            }
        });
        int count = 10_000;
        try (RawClient client = new RawClient(port)) {
            pool.execute(() -> {
                try {
                    for (int i = 0; i < count; i++) {
                        client.send(RawClient.frame(listGroups(), i));
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int i = 0; i < count; i++) {
                assertThat(client.readCorrelationId()).isEqualTo(i);
            }
        }
        await().until(() -> meters.get("freshet.network.requests").timer().count() == count);
    }

    @Test
    void answersGivenInAnyOrderLeaveInRequestOrderAndReadingStopsAtTheLimit() throws Exception {
        List<KafkaRequest> waiting = new CopyOnWriteArrayList<>();
        start(waiting::add);
        try (RawClient client = new RawClient(port)) {
            for (int i = 0; i < 150; i++) {
                client.send(RawClient.frame(listGroups(), i));
            }
            await().until(() -> waiting.size() == 100);
            List<KafkaRequest> shuffled = new ArrayList<>(waiting);
            Collections.shuffle(shuffled, new Random(1));
            assertThat(waiting).hasSize(100);
            shuffled.forEach(request -> request.respond(noGroups()));
            await().until(() -> waiting.size() == 150);
            waiting.subList(100, 150).forEach(request -> request.respond(noGroups()));
            for (int i = 0; i < 150; i++) {
                assertThat(client.readCorrelationId()).isEqualTo(i);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void largeFramesAreReadInPlaceAndKeptPartsStayValid(boolean epoll) throws Exception {
        List<SharedBytes> kept = new CopyOnWriteArrayList<>();
        KafkaServerConfig config = config();
        start(config.withSockets(config.sockets().withPreferNative(epoll)), request -> {
            ByteBuffer records = recordBytes(request.body());
            assertThat(records.isDirect()).isTrue();
            kept.add(request.retainedPart(records));
            request.respond(new ProduceResponse(new ProduceResponseData()));
        });
        try (RawClient client = new RawClient(port)) {
            List<byte[]> sent = new ArrayList<>();
            for (int size : new int[] {1, 5_000, 1 << 20, 9 << 20, 100, 70_000}) {
                ProduceRequest request = produce(randomBytes(size), (short) -1);
                sent.add(bytesOf(recordBytes(request)));
                client.send(RawClient.frame(request, size));
                assertThat(client.readCorrelationId()).isEqualTo(size);
            }
            assertThat(memoryInUse()).isZero();
            for (int i = 0; i < sent.size(); i++) {
                assertThat(kept.get(i).view().isDirect()).isTrue();
                assertThat(bytesOf(kept.get(i).view())).isEqualTo(sent.get(i));
            }
        }
        kept.forEach(SharedBytes::release);
    }

    @Test
    void aRequestMayBeCutAtEveryByte() throws Exception {
        start(request -> request.respond(noGroups()));
        byte[] two = concat(RawClient.frame(listGroups(), 1), RawClient.frame(listGroups(), 2));
        try (RawClient client = new RawClient(port)) {
            for (int cut = 1; cut < two.length; cut++) {
                client.send(two, 0, cut);
                Thread.onSpinWait();
                client.send(two, cut, two.length - cut);
                assertThat(client.readCorrelationId()).isEqualTo(1);
                assertThat(client.readCorrelationId()).isEqualTo(2);
            }
            for (byte b : two) {
                client.send(new byte[] {b});
            }
            assertThat(client.readCorrelationId()).isEqualTo(1);
            assertThat(client.readCorrelationId()).isEqualTo(2);
        }
    }

    private static byte[] concat(byte[] a, byte[] b) {
        return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
    }

    @Test
    void badInputEndsTheConnectionAndNobodyElses() throws Exception {
        start(request -> request.respond(noGroups()));
        byte[] good = RawClient.frame(listGroups(), 7);
        byte[] trailingCut = ByteBuffer.allocate(8).putInt(4).putInt(good[4]).array();
        List<byte[]> bad = List.of(
                ByteBuffer.allocate(4).putInt(0).array(),
                ByteBuffer.allocate(4).putInt(-1).array(),
                ByteBuffer.allocate(4).putInt(Integer.MAX_VALUE).array(),
                ByteBuffer.allocate(4).putInt(104_857_601).array(),
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
                frameOf(ByteBuffer.allocate(10).putShort((short) 999).putShort((short) 0)),
                frameOf(ByteBuffer.allocate(10).putShort(ApiKeys.LIST_GROUPS.id).putShort((short) 99)),
                frameOf(ByteBuffer.allocate(10).putShort(ApiKeys.FETCH.id).putShort((short) 0)),
                frameOf(ByteBuffer.allocate(8).putShort(ApiKeys.METADATA.id).putShort((short) 1)),
                frameOf(ByteBuffer.allocate(14)
                        .putShort(ApiKeys.METADATA.id)
                        .putShort((short) 1)
                        .putInt(1)
                        .putShort((short) -1)
                        .putInt(Integer.MAX_VALUE)),
                trailingCut);
        try (RawClient bystander = new RawClient(port)) {
            for (byte[] bytes : bad) {
                try (RawClient client = new RawClient(port)) {
                    client.send(bytes);
                    assertThat(client.isClosedByServer()).isTrue();
                }
                bystander.send(good);
                assertThat(bystander.readCorrelationId()).isEqualTo(7);
            }
        }
        assertThat(errors("malformed")).isEqualTo(bad.size());
    }

    private static byte[] frameOf(ByteBuffer body) {
        return ByteBuffer.allocate(4 + body.capacity())
                .putInt(body.capacity())
                .put(body.array())
                .array();
    }

    @Test
    void anApiVersionsRequestFromTheFutureIsAnsweredWithVersionZero() throws Exception {
        start(request -> request.disconnect("must not get here"));
        try (RawClient client = new RawClient(port)) {
            client.send(frameOf(ByteBuffer.allocate(12)
                    .putShort(ApiKeys.API_VERSIONS.id)
                    .putShort((short) 99)
                    .putInt(42)
                    .putShort((short) -1)));
            ByteBuffer answer = client.readFrame();
            assertThat(answer.getInt()).isEqualTo(42);
            ApiVersionsResponseData data = new ApiVersionsResponseData(
                    new org.apache.kafka.common.protocol.ByteBufferAccessor(answer), (short) 0);
            assertThat(data.errorCode()).isEqualTo(Errors.UNSUPPORTED_VERSION.code());
            assertThat(new ApiVersionsResponse(data).apiVersion(ApiKeys.API_VERSIONS.id))
                    .isNotNull();
        }
    }

    @Test
    void aRequestWithoutAnAnswerFreesItsPlace() throws Exception {
        start(request -> {
            if (request.body() instanceof ProduceRequest) {
                pool.execute(request::respondNothing);
            } else {
                request.respond(noGroups());
            }
        });
        try (RawClient client = new RawClient(port)) {
            for (int i = 0; i < 300; i++) {
                client.send(RawClient.frame(produce(new byte[100], (short) 0), i));
            }
            client.send(RawClient.frame(listGroups(), 1000));
            assertThat(client.readCorrelationId()).isEqualTo(1000);
        }
    }

    @Test
    void aHandlerThatThrowsGivesAnErrorAnswer() throws Exception {
        start(request -> {
            throw Errors.COORDINATOR_NOT_AVAILABLE.exception();
        });
        try (RawClient client = new RawClient(port)) {
            client.send(RawClient.frame(listGroups(), 0));
            ByteBuffer answer = client.readFrame();
            AbstractResponse parsed = AbstractResponse.parseResponse(answer, listGroupsHeader(0));
            assertThat(parsed.errorCounts()).containsKey(Errors.COORDINATOR_NOT_AVAILABLE);
        }
    }

    private static org.apache.kafka.common.requests.RequestHeader listGroupsHeader(int correlationId) {
        return new org.apache.kafka.common.requests.RequestHeader(
                ApiKeys.LIST_GROUPS, (short) 4, "test", correlationId);
    }

    @Test
    void memoryForRequestsIsBoundedAndReadingResumes() throws Exception {
        KafkaServerConfig config = config();
        LinkedBlockingQueue<KafkaRequest> waiting = new LinkedBlockingQueue<>();
        start(config.withLimits(config.limits().withRequestMemoryBytes(2_500_000)), waiting::add);
        List<RawClient> clients = new ArrayList<>();
        byte[] frame = RawClient.frame(produce(new byte[1 << 20], (short) 1), 5);
        try {
            for (int i = 0; i < 6; i++) {
                RawClient client = new RawClient(port);
                clients.add(client);
                pool.execute(() -> {
                    try {
                        client.send(frame);
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
            await().until(() ->
                    meters.get("freshet.network.request.memory.waiting").gauge().value() >= 1 && waiting.size() == 2);
            for (int answered = 0; answered < 6; answered++) {
                assertThat(memoryInUse()).isLessThanOrEqualTo(2_500_000);
                KafkaRequest next = waiting.poll(10, TimeUnit.SECONDS);
                assertThat(next).isNotNull();
                next.respond(new ProduceResponse(new ProduceResponseData()));
            }
            for (RawClient client : clients) {
                assertThat(client.readCorrelationId()).isEqualTo(5);
            }
            byte[] larger = RawClient.frame(produce(new byte[3 << 20], (short) 1), 6);
            clients.get(0).send(larger);
            waiting.take().respond(new ProduceResponse(new ProduceResponseData()));
            assertThat(clients.get(0).readCorrelationId()).isEqualTo(6);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }

    @Test
    void anAnnouncedLengthAloneTakesNoMemory() throws Exception {
        start(request -> request.respond(noGroups()));
        byte[] frame = RawClient.frame(produce(new byte[1 << 20], (short) 1), 5);
        try (RawClient announcing = new RawClient(port);
                RawClient bystander = new RawClient(port)) {
            announcing.send(frame, 0, 32 << 10);
            bystander.send(RawClient.frame(listGroups(), 1));
            assertThat(bystander.readCorrelationId()).isEqualTo(1);
            assertThat(memoryInUse()).isZero();
            announcing.send(frame, 32 << 10, 4);
            await().until(() -> memoryInUse() == frame.length - 4);
        }
        await().until(() -> memoryInUse() == 0);
    }

    @Test
    void stalledFramesMakeRoomOnceOthersWait() throws Exception {
        KafkaServerConfig config = config();
        start(
                config.withLimits(config.limits().withRequestMemoryBytes(2_500_000)),
                request -> request.respond(new ProduceResponse(new ProduceResponseData())));
        byte[] frame = RawClient.frame(produce(new byte[1 << 20], (short) 1), 5);
        try (RawClient first = new RawClient(port);
                RawClient second = new RawClient(port);
                RawClient honest = new RawClient(port)) {
            first.send(frame, 0, 40_000);
            second.send(frame, 0, 50_000);
            await().until(() -> memoryInUse() == 2 * (frame.length - 4));
            await().during(1500, TimeUnit.MILLISECONDS).until(() -> errors("stalled") == 0);
            honest.send(RawClient.frame(listGroups(), 4));
            assertThat(honest.readCorrelationId()).isEqualTo(4);
            honest.send(frame);
            assertThat(honest.readCorrelationId()).isEqualTo(5);
            assertThat(errors("stalled")).isEqualTo(1);
            assertThat(first.isClosedByServer()).isTrue();
            second.send(frame, 50_000, frame.length - 50_000);
            assertThat(second.readCorrelationId()).isEqualTo(5);
        }
    }

    @Test
    void clientsThatLeaveAtAnyPointLeaveNothingBehind() throws Exception {
        LinkedBlockingQueue<KafkaRequest> waiting = new LinkedBlockingQueue<>();
        CountedBytes records = new CountedBytes(1 << 16);
        start(waiting::add);
        byte[] frame = RawClient.frame(produce(new byte[200_000], (short) 1), 5);
        for (int cut : new int[] {1, 3, 4, 5, 100, 50_000, frame.length - 1}) {
            try (RawClient client = new RawClient(port)) {
                client.send(frame, 0, cut);
            }
        }
        try (RawClient client = new RawClient(port)) {
            client.send(RawClient.frame(listGroups(), 1));
            client.send(RawClient.frame(listGroups(), 2));
            client.send(RawClient.frame(fetch(), 3));
            await().until(() -> waiting.size() == 3);
        }
        KafkaRequest first = waiting.take();
        KafkaRequest second = waiting.take();
        second.respond(noGroups());
        await().until(() -> {
            // The connection is seen as gone once a write or read fails.
            return meters.get("freshet.network.connections").gauge().value() == 0;
        });
        first.disconnect("late");
        waiting.take().respond(fetchResponse(records));
        await().until(() -> records.references.get() == 0 && memoryInUse() == 0);
    }

    @Test
    void aSlowReaderStopsBeingReadAndItsRecordsAreFreedWhenItGoes() throws Exception {
        AtomicInteger handled = new AtomicInteger();
        CountedBytes records = new CountedBytes(1 << 20);
        start(request -> {
            handled.incrementAndGet();
            request.respond(fetchResponse(records));
        });
        try (RawClient client = new RawClient(port)) {
            for (int i = 0; i < 200; i++) {
                client.send(RawClient.frame(fetch(), i));
            }
            await().during(300, TimeUnit.MILLISECONDS).until(() -> handled.get() > 0 && handled.get() < 50);
            assertThat(records.references.get()).isPositive();
            for (int i = 0; i < 100; i++) {
                assertThat(client.readCorrelationId()).isEqualTo(i);
            }
        }
        await().until(() -> records.references.get() == 0);
    }

    @Test
    void theNextRequestWaitsUntilAFetchIsAnsweredAndSent() throws Exception {
        LinkedBlockingQueue<KafkaRequest> waiting = new LinkedBlockingQueue<>();
        CountedBytes records = new CountedBytes(32 << 20);
        start(waiting::add);
        try (RawClient client = new RawClient(port)) {
            client.send(concat(RawClient.frame(fetch(), 1), RawClient.frame(fetch(), 2)));
            client.send(RawClient.frame(listGroups(), 3));
            waiting.take().respond(fetchResponse(records));
            await().during(300, TimeUnit.MILLISECONDS).until(waiting::isEmpty);
            assertThat(client.readCorrelationId()).isEqualTo(1);
            waiting.take().respond(fetchResponse(records));
            assertThat(client.readCorrelationId()).isEqualTo(2);
            waiting.take().respond(noGroups());
            assertThat(client.readCorrelationId()).isEqualTo(3);
            client.send(RawClient.frame(fetch(), 4));
            await().until(() -> waiting.size() == 1);
        }
        await().untilAsserted(() -> assertThat(
                        meters.get("freshet.network.connections").gauge().value())
                .as("a client that leaves while its fetch waits is seen")
                .isZero());
        waiting.take().respond(fetchResponse(records));
        await().until(() -> records.references.get() == 0);
    }

    @Test
    void fetchedRecordsArriveWhole() throws Exception {
        CountedBytes records = new CountedBytes(300_000);
        start(request -> request.respond(fetchResponse(records)));
        try (RawClient client = new RawClient(port)) {
            client.send(RawClient.frame(fetch(), 9));
            ByteBuffer answer = client.readFrame();
            byte[] expected = bytesOf(records.view());
            byte[] all = bytesOf(answer);
            assertThat(new String(all, StandardCharsets.ISO_8859_1))
                    .contains(new String(expected, StandardCharsets.ISO_8859_1));
        }
        await().until(() -> records.references.get() == 0);
    }

    private static FetchRequest fetch() {
        return new FetchRequest(new FetchRequestData(), (short) 16);
    }

    private static FetchResponse fetchResponse(CountedBytes records) {
        var partition = new FetchResponseData.PartitionData()
                .setPartitionIndex(0)
                .setHighWatermark(1)
                .setRecords(new SlicedRecords(List.of(records.retain())));
        var topic = new FetchResponseData.FetchableTopicResponse()
                .setTopicId(new Uuid(1, 2))
                .setPartitions(List.of(partition));
        return FetchResponse.of(new FetchResponseData().setResponses(List.of(topic)));
    }

    @Test
    void silentConnectionsAreClosed() throws Exception {
        KafkaServerConfig config = config();
        start(config.withLimits(config.limits().withIdleMs(50)), request -> request.respond(noGroups()));
        try (RawClient client = new RawClient(port)) {
            assertThat(client.isClosedByServer()).isTrue();
        }
        assertThat(errors("idle")).isEqualTo(1);
    }

    @Test
    void connectionsAboveTheLimitPerAddressAreRefused() throws Exception {
        KafkaServerConfig config = config();
        start(config.withLimits(config.limits().withMaxConnections(100, 2)), request -> request.respond(noGroups()));
        try (RawClient first = new RawClient(port);
                RawClient second = new RawClient(port);
                RawClient third = new RawClient(port)) {
            first.send(RawClient.frame(listGroups(), 1));
            second.send(RawClient.frame(listGroups(), 2));
            assertThat(first.readCorrelationId()).isEqualTo(1);
            assertThat(second.readCorrelationId()).isEqualTo(2);
            assertThat(third.isClosedByServer()).isTrue();
        }
    }

    @Test
    void closeWaitsForRequestsInFlightAndFreesThePort() throws Exception {
        LinkedBlockingQueue<KafkaRequest> waiting = new LinkedBlockingQueue<>();
        start(waiting::add);
        try (RawClient client = new RawClient(port)) {
            client.send(RawClient.frame(listGroups(), 3));
            KafkaRequest request = waiting.take();
            var closing = pool.submit(Objects.requireNonNull(server)::close);
            await().until(() -> !accepts());
            request.respond(noGroups());
            assertThat(client.readCorrelationId()).isEqualTo(3);
            assertThat(client.isClosedByServer()).isTrue();
            closing.get(10, TimeUnit.SECONDS);
        }
    }

    private boolean accepts() {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void theLeakDetectionOfTheseTestsSeesALeak() {
        assertThat(PooledByteBufAllocator.DEFAULT.directBuffer(16).isDirect()).isTrue();
        BufferLeaks.collectGarbage();
        assertThat(BufferLeaks.takeReports()).hasSize(1);
    }

    @Test
    void aSecondAnswerIsRefused() throws Exception {
        List<Throwable> errors = new CopyOnWriteArrayList<>();
        start(request -> {
            request.respond(noGroups());
            try {
                request.respond(noGroups());
            } catch (IllegalStateException e) {
                errors.add(e);
            }
        });
        try (RawClient client = new RawClient(port)) {
            client.send(RawClient.frame(listGroups(), 3));
            assertThat(client.readCorrelationId()).isEqualTo(3);
        }
        assertThat(errors).hasSize(1);
    }

    /** Direct memory that counts its references. */
    private static final class CountedBytes implements SharedBytes {
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

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.badinput.AnnouncingCrowd.Manners;
import io.netty.util.internal.PlatformDependent;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.assertj.core.api.ThrowingConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bytes that no honest client sends: the server answers or disconnects, stays up, and keeps nothing. */
class BadInputIT {
    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 20_000);
    private static final int CLIENTS = 6;
    private static final int WAIT_MS = 150;
    private static final int HANG_MS = 10_000;
    private static final String CONNECTIONS = "freshet_network_connections";
    private static final String USED_MEMORY = "freshet_network_request_memory_bytes";

    @TempDir
    static Path folder;

    private static final CapturedLog LOG = new CapturedLog();
    private static EmbeddedServer server;
    private static KafkaProducer<byte[], byte[]> healthy;
    private static List<Uuid> topicIds;

    /** One API in one version. */
    private record Target(ApiKeys api, short version) {}

    @BeforeAll
    static void start() throws Exception {
        server = EmbeddedServer.start(folder, Map.of());
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", server.bootstrap()))) {
            var created = admin.createTopics(List.of(
                    new NewTopic("healthy", 1, (short) 1),
                    new NewTopic("fuzz-0", 2, (short) 1),
                    new NewTopic("fuzz-1", 1, (short) 1).configs(Map.of("cleanup.policy", "compact")),
                    new NewTopic("fuzz-2", 1, (short) 1).configs(Map.of("compression.type", "zstd"))));
            created.all().get();
            topicIds = List.of(
                    created.topicId("fuzz-0").get(),
                    created.topicId("fuzz-1").get(),
                    created.topicId("fuzz-2").get());
            // groups are served from now on
            admin.alterConsumerGroupOffsets("g", Map.of(new TopicPartition("fuzz-0", 0), new OffsetAndMetadata(0)))
                    .all()
                    .get();
        }
        healthy = new KafkaProducer<>(
                Map.of(
                        "bootstrap.servers",
                        server.bootstrap(),
                        "max.block.ms",
                        "20000",
                        "delivery.timeout.ms",
                        "20000",
                        "request.timeout.ms",
                        "10000",
                        "linger.ms",
                        "0"),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        healthyClientWorks();
    }

    @AfterAll
    static void stop() {
        if (healthy != null) {
            healthy.close(Duration.ZERO);
        }
        if (server != null) {
            server.close();
        }
        LOG.close();
    }

    @AfterEach
    void nothingIsLeftBehind() throws Exception {
        healthyClientWorks();
        Awaitility.await("connections and request memory are given back")
                .atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> {
                    assertThat(server.metric(CONNECTIONS)).isLessThanOrEqualTo(3);
                    assertThat(server.metric(USED_MEMORY)).isLessThanOrEqualTo(1000);
                });
        System.gc();
        healthyClientWorks();
        assertThat(LOG.errors()).isEmpty();
    }

    private static void healthyClientWorks() throws Exception {
        healthy.send(new ProducerRecord<>("healthy", new byte[100])).get(20, TimeUnit.SECONDS);
    }

    private static List<Target> targets() throws IOException {
        try (RawConnection connection = new RawConnection(server.port())) {
            connection.send(RawConnection.aliveRequest());
            ByteBuffer answer = connection.receive(HANG_MS);
            answer.getInt();
            ApiVersionsResponse versions = ApiVersionsResponse.parse(new ByteBufferAccessor(answer), (short) 0);
            List<Target> targets = new ArrayList<>();
            versions.data().apiKeys().forEach(key -> {
                ApiKeys api = ApiKeys.forId(key.apiKey());
                for (int version = Math.max(key.minVersion(), api.oldestVersion());
                        version <= key.maxVersion();
                        version++) {
                    targets.add(new Target(api, (short) version));
                }
            });
            return targets;
        }
    }

    @Test
    void everyRequestWithLiesInItIsAnsweredOrEndsItsConnection() throws Exception {
        long seed = Long.getLong("fuzz.seed", 6232951115073L);
        System.out.println("seed " + seed + " (replay with -Dfuzz.seed=" + seed + ")");
        List<Target> targets = targets();
        assertThat(targets).hasSizeGreaterThan(100);
        long heapBefore = usedHeap();
        AtomicInteger sent = new AtomicInteger();
        ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
        Map<RawConnection.End, AtomicInteger> ends = new EnumMap<>(RawConnection.End.class);
        for (RawConnection.End end : RawConnection.End.values()) {
            ends.put(end, new AtomicInteger());
        }
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            long clientSeed = seed + i;
            clients.add(new Thread(() -> fuzz(clientSeed, targets, sent, ends, failures)));
        }
        clients.forEach(Thread::start);
        int checked = 0;
        while (sent.get() < REQUESTS && failures.isEmpty()) {
            if (sent.get() - checked > 1000) {
                checked = sent.get();
                healthyClientWorks();
            }
            Thread.onSpinWait();
            clients.get(0).join(20);
        }
        for (Thread client : clients) {
            client.join();
        }
        System.out.println("sent " + sent + ", ends " + ends);
        assertThat(failures).isEmpty();
        assertThat(ends.get(RawConnection.End.ANSWERED).get()).isGreaterThan(REQUESTS / 10);
        assertThat(usedHeap() - heapBefore).isLessThan(64 << 20);
        assertThat(PlatformDependent.usedDirectMemory()).isLessThan(256 << 20);
    }

    private static long usedHeap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static void fuzz(
            long seed,
            List<Target> targets,
            AtomicInteger sent,
            Map<RawConnection.End, AtomicInteger> ends,
            ConcurrentLinkedQueue<String> failures) {
        Random random = new Random(seed);
        RequestGenerator requests = new RequestGenerator(seed, topicIds);
        RawConnection connection = null;
        Target target = null;
        try {
            while (failures.isEmpty() && sent.getAndIncrement() < REQUESTS) {
                if (connection == null) {
                    connection = new RawConnection(server.port());
                }
                target = targets.get(random.nextInt(targets.size()));
                int correlationId = random.nextInt(1 << 30) + 0x10000;
                ByteBuffer frame = requests.request(target.api, target.version, correlationId, random.nextInt(5) != 0);
                RawConnection.End end = connection.tryOut(frame, correlationId, WAIT_MS);
                ends.get(end).incrementAndGet();
                if (end == RawConnection.End.WAITING && !connection.endsWhenClientDoes(HANG_MS)) {
                    failures.add("A connection hangs after " + target + ", client seed " + seed);
                }
                if (end != RawConnection.End.ANSWERED) {
                    connection.close();
                    connection = null;
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            failures.add(target + ", client seed " + seed + ": " + e);
        } finally {
            if (connection != null) {
                try {
                    connection.close();
                } catch (IOException e) {
                    failures.add("close: " + e);
                }
            }
        }
    }

    @Test
    void impossibleFrameLengthsEndTheConnectionBeforeMemoryIsTaken() throws Exception {
        long direct = PlatformDependent.usedDirectMemory();
        for (int length : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 104_857_601}) {
            try (RawConnection connection = new RawConnection(server.port())) {
                connection.sendRaw(ByteBuffer.allocate(8).putInt(length).array());
                assertThat(connection.isEnded(HANG_MS)).as("length %d", length).isTrue();
            }
        }
        assertThat(PlatformDependent.usedDirectMemory() - direct).isLessThan(64 << 20);
    }

    @Test
    void otherProtocolsAreTurnedAway() throws Exception {
        byte[] tlsHello = new byte[200];
        tlsHello[0] = 0x16;
        tlsHello[1] = 3;
        tlsHello[2] = 1;
        tlsHello[4] = (byte) 195;
        for (byte[] hello :
                List.of("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII), tlsHello)) {
            try (RawConnection connection = new RawConnection(server.port())) {
                connection.sendRaw(hello);
                assertThat(connection.isEnded(HANG_MS)).isTrue();
            }
        }
    }

    @Test
    void thousandSlowConnectionsDoNotKeepOthersWaiting() throws Exception {
        List<RawConnection> connections = new ArrayList<>();
        try {
            byte[] request = RawConnection.framed(RawConnection.aliveRequest()).array();
            for (int i = 0; i < 1000; i++) {
                connections.add(new RawConnection(server.port()));
            }
            for (int at = 0; at < request.length; at++) {
                for (RawConnection connection : connections) {
                    connection.sendRaw(new byte[] {request[at]});
                }
                healthyClientWorks();
            }
            for (RawConnection connection : connections) {
                assertThat(connection.receive(HANG_MS)).isNotNull();
            }
        } finally {
            for (RawConnection connection : connections) {
                connection.close();
            }
        }
    }

    @Test
    void aFloodOfPipelinedRequestsIsAnsweredInOrder() throws Exception {
        ByteBuffer records = MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(new byte[100]))
                .buffer();
        int count = 10_000;
        try (RawConnection connection = new RawConnection(server.port())) {
            Thread sender = new Thread(() -> {
                try {
                    for (int i = 0; i < count; i++) {
                        connection.send(produce("healthy", records.duplicate(), i));
                    }
                } catch (IOException e) {
                    LOG.errors().add("flood: " + e);
                }
            });
            sender.start();
            sender.join(1000);
            healthyClientWorks();
            for (int i = 0; i < count; i++) {
                ByteBuffer answer = connection.receive(HANG_MS);
                assertThat(answer).isNotNull();
                assertThat(answer.getInt(0)).isEqualTo(i);
            }
            sender.join();
        }
    }

    @Test
    void aConsumerThatNeverReadsDoesNotFillMemory() throws Exception {
        byte[] value = new byte[100_000];
        for (int i = 0; i < 20; i++) {
            healthy.send(new ProducerRecord<>("healthy", value)).get(20, TimeUnit.SECONDS);
        }
        long before = usedHeap() + PlatformDependent.usedDirectMemory();
        List<RawConnection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) {
                RawConnection connection = new RawConnection(server.port());
                connections.add(connection);
                for (int j = 0; j < 90; j++) {
                    connection.send(fetch("healthy", j));
                }
            }
            healthyClientWorks();
            assertThat(usedHeap() + PlatformDependent.usedDirectMemory() - before)
                    .isLessThan(64 << 20);
        } finally {
            for (RawConnection connection : connections) {
                connection.close();
            }
        }
    }

    @Test
    void hugeAnnouncedRequestsTakeNothingFromOthers() throws Exception {
        withCrowd(50, new Manners(100 << 20, 8, 0, true), crowd -> assertProducesQuickly(100));
    }

    @Test
    void manyAnnouncedRequestsTakeNothingFromOthers() throws Exception {
        withCrowd(600, new Manners(2 << 20, 8, 0, true), crowd -> {
            assertProducesQuickly(100);
            assertThat(server.metric(USED_MEMORY)).isLessThan(1 << 20);
        });
    }

    @Test
    void drippingRequestsTakeNothingFromOthers() throws Exception {
        withCrowd(600, new Manners(2 << 20, 8, 500, true), crowd -> assertProducesQuickly(100));
    }

    @Test
    void aCrowdThatHoldsMemoryAndComesBackOnlySlowsLargerRequestsDown() throws Exception {
        withCrowd(600, new Manners(2 << 20, 64 << 10, 500, true), crowd -> {
            Awaitility.await("the memory is used up")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> server.metric("freshet_network_request_memory_waiting") > 100);
            assertProducesQuickly(100);
            for (int i = 0; i < 5; i++) {
                long begin = System.nanoTime();
                healthy.send(new ProducerRecord<>("healthy", new byte[200_000])).get(20, TimeUnit.SECONDS);
                System.out.printf("a larger send: %d ms%n", (System.nanoTime() - begin) / 1_000_000);
            }
            assertThat(crowd.ended()).isGreaterThan(100);
            assertThat(server.metric("freshet_network_errors_total{reason=\"stalled\""))
                    .isGreaterThan(100);
        });
    }

    @Test
    void aCrowdWithHugeRequestsThatComesBackDoesNotKeepLargerOnesOut() throws Exception {
        withCrowd(50, new Manners(100 << 20, 64 << 10, 500, true), crowd -> {
            assertProducesQuickly(100);
            for (int i = 0; i < 20; i++) {
                healthy.send(new ProducerRecord<>("healthy", new byte[900_000])).get(5, TimeUnit.SECONDS);
            }
            Awaitility.await("those that wait take their turn")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> crowd.ended() > 3);
        });
    }

    private static void withCrowd(int count, Manners manners, ThrowingConsumer<AnnouncingCrowd> work) throws Exception {
        int filesBefore = openFiles();
        try (AnnouncingCrowd crowd = new AnnouncingCrowd(server.port(), count, manners)) {
            Awaitility.await("the crowd is here")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> server.metric(CONNECTIONS) >= count);
            work.accept(crowd);
            System.out.printf("%s: %d opened, %d ended by the server%n", manners, crowd.opened(), crowd.ended());
        }
        Awaitility.await("file descriptors are closed")
                .atMost(Duration.ofSeconds(20))
                .until(() -> openFiles() <= filesBefore + 20);
    }

    private static int openFiles() {
        return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
    }

    /** One send at a time, each acknowledged by all in a small part of its client's patience. */
    private static void assertProducesQuickly(int count) throws Exception {
        long slowestNanos = 0;
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            healthyClientWorks();
            slowestNanos = Math.max(slowestNanos, System.nanoTime() - begin);
        }
        System.out.println("slowest of " + count + " sends: " + TimeUnit.NANOSECONDS.toMillis(slowestNanos) + " ms");
        assertThat(slowestNanos).isLessThan(TimeUnit.SECONDS.toNanos(3));
    }

    @Test
    void compressionBombsAreRefusedInLittleMemoryAndTime() throws Exception {
        List<CompressionType> codecs =
                List.of(CompressionType.GZIP, CompressionType.ZSTD, CompressionType.LZ4, CompressionType.SNAPPY);
        for (CompressionType codec : codecs) {
            for (boolean manyRecords : new boolean[] {false, true}) {
                ByteBuffer bomb = Bombs.batch(codec, manyRecords);
                for (String topic : List.of("fuzz-0", "fuzz-2")) {
                    long begin = System.nanoTime();
                    try (RawConnection connection = new RawConnection(server.port())) {
                        connection.send(produce(topic, bomb.duplicate(), 77));
                        ByteBuffer answer = connection.receive(HANG_MS);
                        assertThat(answer).isNotNull();
                        answer.getInt();
                        ProduceResponseData data = new ProduceResponseData(new ByteBufferAccessor(answer), (short) 8);
                        short code = data.responses()
                                .iterator()
                                .next()
                                .partitionResponses()
                                .get(0)
                                .errorCode();
                        System.out.printf(
                                "bomb %s many=%s of %d bytes to %s: %s in %d ms%n",
                                codec,
                                manyRecords,
                                bomb.remaining(),
                                topic,
                                Errors.forCode(code),
                                (System.nanoTime() - begin) / 1_000_000);
                        assertThat(Errors.forCode(code)).isIn(Errors.MESSAGE_TOO_LARGE, Errors.INVALID_RECORD);
                    }
                    assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(3));
                }
            }
        }
    }

    private static ByteBuffer produce(String topic, ByteBuffer records, int correlationId) {
        ProduceRequestData data = new ProduceRequestData().setAcks((short) 1).setTimeoutMs(10_000);
        data.topicData()
                .add(new TopicProduceData()
                        .setName(topic)
                        .setPartitionData(List.of(new PartitionProduceData()
                                .setIndex(0)
                                .setRecords(MemoryRecords.readableRecords(records)))));
        return RawConnection.request(ApiKeys.PRODUCE, (short) 8, correlationId, data);
    }

    private static ByteBuffer fetch(String topic, int correlationId) {
        FetchRequestData data = new FetchRequestData()
                .setMaxBytes(2 << 20)
                .setMinBytes(1)
                .setMaxWaitMs(100)
                .setTopics(List.of(new FetchTopic()
                        .setTopic(topic)
                        .setPartitions(List.of(new FetchPartition().setPartitionMaxBytes(2 << 20)))));
        return RawConnection.request(ApiKeys.FETCH, (short) 11, correlationId, data);
    }
}

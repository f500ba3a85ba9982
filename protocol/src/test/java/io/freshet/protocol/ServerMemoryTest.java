// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.requests.ProduceResponse;
import org.junit.jupiter.api.Test;

/** What requests and answers may take of memory, and that it comes back. */
class ServerMemoryTest extends ServerOnSockets {
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

    @Test
    void theLeakDetectionOfTheseTestsSeesALeak() {
        assertThat(PooledByteBufAllocator.DEFAULT.directBuffer(16).isDirect()).isTrue();
        BufferLeaks.collectGarbage();
        assertThat(BufferLeaks.takeReports()).hasSize(1);
    }
}

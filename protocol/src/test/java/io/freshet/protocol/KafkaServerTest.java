// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.buffer.SharedBytes;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Order, framing and answers of the front end, and its end. */
class KafkaServerTest extends ServerOnSockets {
    private static ByteBuffer recordBytes(AbstractRequest body) {
        var topic = ((ProduceRequest) body).data().topicData().iterator().next();
        return ((MemoryRecords) topic.partitionData().get(0).records()).buffer();
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
}

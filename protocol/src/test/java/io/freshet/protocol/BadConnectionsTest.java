// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.common.protocol.ApiKeys;
import org.junit.jupiter.api.Test;

/** Connections that send rubbish, leave, stay silent or are too many. */
class BadConnectionsTest extends ServerOnSockets {
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
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.ApiVersionsHandler;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.remote.EnvelopeChannel;
import io.freshet.metadata.remote.EnvelopeSettings;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServer;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.KafkaServers;
import io.freshet.protocol.Listener;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.server.BrokerFeatures;
import org.apache.kafka.server.common.FinalizedFeatures;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Commands in envelopes over real sockets: what arrives, what is lost, and what is told about it. */
class EnvelopeChannelTest {
    private static final long TIMEOUT_MS = 20_000;

    private final EnvelopeChannel channel =
            new EnvelopeChannel(EnvelopeSettings.plaintext(1, "CONTROLLER"), Clock.system());
    private final List<KafkaServer> servers = new ArrayList<>();

    @AfterEach
    void stop() {
        channel.close();
        servers.forEach(KafkaServer::close);
    }

    @Test
    void carriesCommandsAndAnswers() throws Exception {
        Node node = serve(0, command -> CompletableFuture.completedFuture(reversed(command)));
        for (int size : new int[] {0, 1, 1_000, 5_000_000}) {
            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++) {
                bytes[i] = (byte) (i * 31);
            }
            ByteBuffer answer = get(channel.send(node, ByteBuffer.wrap(bytes), TIMEOUT_MS));
            assertThat(answer).isEqualTo(reversed(ByteBuffer.wrap(bytes)));
        }
    }

    @Test
    void doesNotWaitForAnAnswerBeforeTheNextCommand() throws Exception {
        List<CompletableFuture<ByteBuffer>> arrived = new CopyOnWriteArrayList<>();
        Node node = serve(0, command -> {
            CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
            arrived.add(answer);
            return answer;
        });
        List<CompletableFuture<ByteBuffer>> calls = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            calls.add(channel.send(node, number(i), TIMEOUT_MS));
        }
        await().until(() -> arrived.size() == 20);
        for (int i = 19; i >= 0; i--) {
            arrived.get(i).complete(number(100 + i));
        }
        for (int i = 0; i < 20; i++) {
            assertThat(get(calls.get(i))).isEqualTo(number(100 + i));
        }
    }

    @Test
    void moreThanOneConnectionTakesWaitInLine() throws Exception {
        Node node = serve(0, command -> CompletableFuture.completedFuture(reversed(command)));
        List<CompletableFuture<ByteBuffer>> calls = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            calls.add(channel.send(node, number(i), TIMEOUT_MS));
        }
        for (int i = 0; i < calls.size(); i++) {
            assertThat(get(calls.get(i))).isEqualTo(reversed(number(i)));
        }
    }

    @Test
    void whereNobodyListensNothingArrives() throws Exception {
        Node nobody;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = new Node(3, "127.0.0.1", free.getLocalPort());
        }
        for (int i = 0; i < 3; i++) {
            assertThat(failure(channel.send(nobody, number(i), TIMEOUT_MS)).kind())
                    .isEqualTo(ErrorKind.UNAVAILABLE);
        }
    }

    /** A server that has answered one command, so that the connection stands, and answers no other. */
    private Node serveFirstOnly() throws Exception {
        AtomicBoolean hasAnswered = new AtomicBoolean();
        Node node = serve(
                0,
                command -> hasAnswered.getAndSet(true)
                        ? new CompletableFuture<>()
                        : CompletableFuture.completedFuture(reversed(command)));
        assertThat(get(channel.send(node, number(0), TIMEOUT_MS))).isEqualTo(reversed(number(0)));
        return node;
    }

    @Test
    void whatWasSentAndNotAnsweredMayHaveArrived() throws Exception {
        Node node = serveFirstOnly();
        assertThat(failure(channel.send(node, number(1), 300)).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        CompletableFuture<ByteBuffer> cut = channel.send(node, number(2), TIMEOUT_MS);
        channel.close();
        assertThat(failure(cut).kind()).isIn(ErrorKind.INDETERMINATE, ErrorKind.UNAVAILABLE);
        assertThat(failure(channel.send(node, number(3), TIMEOUT_MS)).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
    }

    @Test
    void aServerThatSaysNothingGetsNothing() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Node node = new Node(3, "127.0.0.1", silent.getLocalPort());
            assertThat(failure(channel.send(node, number(1), 500)).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        }
    }

    @Test
    void goesOnAfterTheServerCameBack() throws Exception {
        Node node = serveFirstOnly();
        CompletableFuture<ByteBuffer> lost = channel.send(node, number(1), TIMEOUT_MS);
        assertThat(failure(channel.send(node, number(1), 300)).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        servers.remove(0).close();
        assertThat(failure(lost).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        serve(node.port(), command -> CompletableFuture.completedFuture(reversed(command)));
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(get(channel.send(node, number(7), TIMEOUT_MS)))
                        .isEqualTo(reversed(number(7))));
    }

    @Test
    void bytesThatAreNoAnswerLoseWhatWasSentAndNothingElse() throws Exception {
        ServerSocket garbage = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Thread talker = new Thread(() -> talkNonsense(garbage));
        talker.start();
        Node node = new Node(3, "127.0.0.1", garbage.getLocalPort());
        assertThat(failure(channel.send(node, number(1), 2_000)).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        garbage.close();
        talker.join();
        Node good = serve(0, command -> CompletableFuture.completedFuture(reversed(command)));
        assertThat(get(channel.send(good, number(7), TIMEOUT_MS))).isEqualTo(reversed(number(7)));
    }

    private static void talkNonsense(ServerSocket server) {
        try {
            while (true) {
                try (Socket connection = server.accept()) {
                    connection.getInputStream().read();
                    connection.getOutputStream().write(new byte[] {0, 0, 0, 8, 9, 9, 9, 9, 9, 9, 9, 9});
                    connection.getOutputStream().flush();
                }
            }
        } catch (IOException e) {
            assertThat(server.isClosed()).isTrue();
        }
    }

    private Node serve(int port, Function<ByteBuffer, CompletableFuture<ByteBuffer>> commands) {
        ApiRouter router = new ApiRouter();
        new EnvelopeApi(commands).register(router);
        router.register(
                ApiKeys.API_VERSIONS,
                new ApiVersionsHandler(
                        router,
                        "cluster",
                        2,
                        BrokerFeatures.defaultSupportedFeatures(false),
                        () -> FinalizedFeatures.fromMetadataVersion(MetadataVersion.MINIMUM_VERSION)));
        KafkaServerConfig config = KafkaServerConfig.defaults(List.of(new Listener("CONTROLLER", "127.0.0.1", port)));
        KafkaServer server = KafkaServers.start(
                config, router, EnabledApis.controllers(), new SimpleMeterRegistry(), Clock.system());
        servers.add(server);
        return new Node(
                2, "127.0.0.1", Objects.requireNonNull(server.boundPorts().get("CONTROLLER")));
    }

    private static ByteBuffer number(int value) {
        return ByteBuffer.allocate(4).putInt(0, value);
    }

    private static ByteBuffer reversed(ByteBuffer bytes) {
        ByteBuffer reversed = ByteBuffer.allocate(bytes.remaining());
        for (int i = bytes.limit() - 1; i >= bytes.position(); i--) {
            reversed.put(bytes.get(i));
        }
        return reversed.flip();
    }

    private static ByteBuffer get(CompletableFuture<ByteBuffer> answer) throws Exception {
        return answer.get(30, TimeUnit.SECONDS);
    }

    private static FreshetException failure(CompletableFuture<ByteBuffer> answer)
            throws InterruptedException, TimeoutException {
        try {
            ByteBuffer bytes = answer.get(30, TimeUnit.SECONDS);
            throw new AssertionError("Answered with " + bytes);
        } catch (ExecutionException e) {
            return FreshetException.of(e);
        }
    }
}

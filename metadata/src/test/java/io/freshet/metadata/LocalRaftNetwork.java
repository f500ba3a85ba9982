// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.log.RaftLogSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.network.Send;
import org.apache.kafka.common.network.TransferableChannel;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.SendBuilder;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.apache.kafka.raft.RaftUtil;
import org.apache.kafka.server.common.KRaftVersion;

/** Carries Raft's requests between nodes of one process as the bytes they would be on a wire. */
final class LocalRaftNetwork {
    private final Map<String, QuorumNode> nodes = new ConcurrentHashMap<>();
    final Map<ApiKeys, AtomicInteger> sent = new ConcurrentHashMap<>();

    /** From now on {@code node} answers at {@code address} (host:port). */
    void join(String address, QuorumNode node) {
        nodes.put(address, node);
    }

    /** Nobody answers at {@code address} any more. */
    void leave(String address) {
        nodes.remove(address);
    }

    int sent(ApiKeys key) {
        AtomicInteger count = sent.get(key);
        return count == null ? 0 : count.get();
    }

    NetworkChannel channel() {
        return new Channel();
    }

    private CompletableFuture<ApiMessage> carry(ApiMessage request, Node to, int correlationId) {
        ApiKeys key = ApiKeys.forId(request.apiKey());
        sent.computeIfAbsent(key, ignored -> new AtomicInteger()).incrementAndGet();
        QuorumNode receiver = nodes.get(to.host() + ":" + to.port());
        if (receiver == null) {
            return CompletableFuture.completedFuture(RaftUtil.errorResponse(key, Errors.BROKER_NOT_AVAILABLE));
        }
        if (key == ApiKeys.API_VERSIONS) {
            return CompletableFuture.completedFuture(versions());
        }
        short version = key.latestVersion();
        RequestHeader header = new RequestHeader(key, version, "test", correlationId);
        ByteBuffer wire = write(SendBuilder.buildRequestSend(header, request));
        wire.getInt();
        RequestHeader received = RequestHeader.parse(wire);
        ApiMessage body = AbstractRequest.parseRequest(key, received.apiVersion(), new ByteBufferAccessor(wire))
                .request
                .data();
        return receiver.answerPeer(body, received.apiVersion()).thenApply(answer -> {
            ByteBuffer back = write(SendBuilder.buildResponseSend(header.toResponseHeader(), answer, version));
            back.getInt();
            ResponseHeader.parse(back, header.toResponseHeader().headerVersion());
            return AbstractResponse.parseResponse(key, new ByteBufferAccessor(back), version)
                    .data();
        });
    }

    /** What a server's listener says for its node before that is given a vote. */
    private static ApiVersionsResponseData versions() {
        ApiVersionsResponseData.SupportedFeatureKeyCollection features =
                new ApiVersionsResponseData.SupportedFeatureKeyCollection();
        features.add(new ApiVersionsResponseData.SupportedFeatureKey()
                .setName(KRaftVersion.FEATURE_NAME)
                .setMinVersion(KRaftVersion.KRAFT_VERSION_0.featureLevel())
                .setMaxVersion(KRaftVersion.LATEST_PRODUCTION.featureLevel()));
        return new ApiVersionsResponseData().setSupportedFeatures(features);
    }

    private static ByteBuffer write(Send send) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (Sink sink = new Sink(Channels.newChannel(bytes))) {
            while (!send.completed()) {
                send.writeTo(sink);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return ByteBuffer.wrap(bytes.toByteArray());
    }

    private final class Channel implements NetworkChannel {
        private final AtomicInteger correlationIds = new AtomicInteger();

        @Override
        public int newCorrelationId() {
            return correlationIds.getAndIncrement();
        }

        @Override
        public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
            return carry(request.data(), request.destination(), request.correlationId())
                    .thenApply(data -> new RaftResponse.Inbound(request.correlationId(), data, request.destination()));
        }

        @Override
        public ListenerName listenerName() {
            return new ListenerName(RaftLogSettings.CONTROLLER_LISTENER);
        }

        @Override
        public void close() {}
    }

    /** Bytes and slices of files into memory. */
    private record Sink(WritableByteChannel target) implements TransferableChannel {
        @Override
        public boolean hasPendingWrites() {
            return false;
        }

        @Override
        public long transferFrom(FileChannel file, long position, long count) throws IOException {
            return file.transferTo(position, count, target);
        }

        @Override
        public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
            long written = 0;
            for (int i = offset; i < offset + length; i++) {
                written += target.write(sources[i]);
            }
            return written;
        }

        @Override
        public long write(ByteBuffer[] sources) throws IOException {
            return write(sources, 0, sources.length);
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            return target.write(source);
        }

        @Override
        public boolean isOpen() {
            return target.isOpen();
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }
}

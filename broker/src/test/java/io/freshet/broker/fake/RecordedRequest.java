// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.protocol.KafkaRequest;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;

/** A request that goes through its bytes, as from the wire, and keeps its answer, which goes through its bytes too. */
public final class RecordedRequest implements KafkaRequest {
    private final RequestHeader header;
    private final AbstractRequest body;
    private final CompletableFuture<AbstractResponse> answer = new CompletableFuture<>();
    private final CompletableFuture<String> disconnected = new CompletableFuture<>();

    public RecordedRequest(AbstractRequest request) {
        this(request.apiKey(), request.version(), request);
    }

    private RecordedRequest(ApiKeys api, short version, AbstractRequest request) {
        this.header = new RequestHeader(api, version, "test-client", 1);
        this.body = AbstractRequest.parseRequest(api, version, request.serialize()).request;
    }

    public CompletableFuture<AbstractResponse> answer() {
        return answer;
    }

    public CompletableFuture<String> disconnected() {
        return disconnected;
    }

    @Override
    public RequestHeader header() {
        return header;
    }

    @Override
    public AbstractRequest body() {
        return body;
    }

    @Override
    public KafkaPrincipal principal() {
        return KafkaPrincipal.ANONYMOUS;
    }

    @Override
    public InetAddress clientAddress() {
        return InetAddress.getLoopbackAddress();
    }

    @Override
    public String listenerName() {
        return MemoryCluster.LISTENER;
    }

    @Override
    public String connectionId() {
        return "127.0.0.1:9092-127.0.0.1:1-0";
    }

    @Override
    public long receivedNanos() {
        return 0;
    }

    @Override
    public SharedBytes retainedPart(ByteBuffer part) {
        return SharedBytes.unpooled(part);
    }

    @Override
    public void respond(AbstractResponse response) {
        try {
            ByteBuffer bytes = org.apache.kafka.common.protocol.MessageUtil.toByteBufferAccessor(
                            response.data(), header.apiVersion())
                    .buffer();
            boolean first = answer.complete(AbstractResponse.parseResponse(
                    header.apiKey(),
                    new org.apache.kafka.common.protocol.ByteBufferAccessor(bytes),
                    header.apiVersion()));
            if (!first) {
                throw new IllegalStateException("Answered twice: " + header);
            }
        } catch (RuntimeException e) {
            answer.completeExceptionally(e);
        }
    }

    @Override
    public void respondNothing() {
        answer.completeExceptionally(new IllegalStateException("No answer"));
    }

    @Override
    public void disconnect(String reason) {
        disconnected.complete(reason);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.protocol.KafkaRequest;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;

/** A request that went through its bytes, as from the wire. It keeps how it ended and counts the references on its parts. */
public final class FakeRequest implements KafkaRequest {
    /** An end without an answer, as acks=0 has. */
    public static final String NOTHING = "nothing";

    private final RequestHeader header;
    private final AbstractRequest body;
    private final List<Object> ends = new CopyOnWriteArrayList<>();
    private final AtomicInteger references = new AtomicInteger();
    private final CompletableFuture<AbstractResponse> answer = new CompletableFuture<>();
    private final CompletableFuture<String> disconnected = new CompletableFuture<>();

    public FakeRequest(AbstractRequest request) {
        this.header = new RequestHeader(request.apiKey(), request.version(), "test-client", 1);
        this.body = AbstractRequest.parseRequest(request.apiKey(), request.version(), request.serialize()).request;
    }

    public boolean isAnswered() {
        return answer.isDone();
    }

    /** The one answer, as it was given. */
    public <T extends AbstractResponse> T answer(Class<T> type) {
        if (ends.size() != 1) {
            throw new AssertionError(ends.size() + " ends of " + header + ": " + ends);
        }
        return type.cast(ends.get(0));
    }

    /** The answer after it went through its bytes. */
    public CompletableFuture<AbstractResponse> answer() {
        return answer.thenApply(this::throughBytes);
    }

    private AbstractResponse throughBytes(AbstractResponse response) {
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(response.data(), header.apiVersion())
                .buffer();
        return AbstractResponse.parseResponse(header.apiKey(), new ByteBufferAccessor(bytes), header.apiVersion());
    }

    /** The reason of the disconnect. */
    public CompletableFuture<String> disconnected() {
        return disconnected;
    }

    /** How it ended: a response, {@link #NOTHING}, or the reason of a disconnect; more than one is a mistake. */
    public List<Object> ends() {
        return List.copyOf(ends);
    }

    /** References on parts of this request that are held now. */
    public int references() {
        return references.get();
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
        return new CountedBytes(part.slice(), references);
    }

    @Override
    public void respond(AbstractResponse response) {
        end(response);
        answer.complete(response);
    }

    @Override
    public void respondNothing() {
        end(NOTHING);
        answer.completeExceptionally(new IllegalStateException("No answer"));
    }

    @Override
    public void disconnect(String reason) {
        end(reason);
        disconnected.complete(reason);
    }

    private void end(Object how) {
        ends.add(how);
        if (ends.size() > 1) {
            throw new IllegalStateException("Ended more than once: " + header + " by " + ends);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.protocol.KafkaRequest;
import io.netty.buffer.ByteBuf;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.RequestContext;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.jspecify.annotations.Nullable;

/**
 * A request and its place in the order of its connection. It may be answered from any thread, once; the outgoing bytes
 * belong to the connection's event loop.
 */
final class PendingRequest implements KafkaRequest {
    private final KafkaConnection connection;
    private final RequestContext context;
    private final AbstractRequest body;
    private final Frame frame;
    private final long receivedNanos;
    private final AtomicBoolean answered = new AtomicBoolean();

    /** Set in the event loop once the answer is known; empty for a request without an answer. */
    @Nullable
    List<ByteBuf> outgoing;

    /** The response whose records back {@link #outgoing}. */
    @Nullable
    AbstractResponse response;

    PendingRequest(
            KafkaConnection connection, RequestContext context, AbstractRequest body, Frame frame, long receivedNanos) {
        this.connection = connection;
        this.context = context;
        this.body = body;
        this.frame = frame;
        this.receivedNanos = receivedNanos;
    }

    RequestContext context() {
        return context;
    }

    boolean isFetch() {
        return body instanceof FetchRequest;
    }

    void releaseFrame() {
        frame.release();
    }

    /** Frees outgoing bytes that were not handed to the channel, and the response's records. Event loop only. */
    void dropOutgoing() {
        if (outgoing != null) {
            outgoing.forEach(ByteBuf::release);
            outgoing = null;
        }
        releaseRecords();
    }

    void releaseRecords() {
        if (response != null) {
            ResponseRecords.release(response);
            response = null;
        }
    }

    /** Answers a request whose handler threw; false if it had been answered already. */
    boolean fail(Throwable error) {
        if (!answered.compareAndSet(false, true)) {
            return false;
        }
        AbstractResponse errorResponse = errorResponse(error);
        if (errorResponse != null) {
            connection.answer(this, errorResponse);
        } else {
            connection.end(this, "a handler failed and the request has no error answer");
        }
        return true;
    }

    private @Nullable AbstractResponse errorResponse(Throwable error) {
        try {
            return body.getErrorResponse(error);
        } catch (RuntimeException e) {
            return null;
        }
    }

    @Override
    public RequestHeader header() {
        return context.header;
    }

    @Override
    public AbstractRequest body() {
        return body;
    }

    @Override
    public KafkaPrincipal principal() {
        return context.principal;
    }

    @Override
    public InetAddress clientAddress() {
        return context.clientAddress;
    }

    @Override
    public String listenerName() {
        return context.listenerName();
    }

    @Override
    public String connectionId() {
        return context.connectionId;
    }

    @Override
    public long receivedNanos() {
        return receivedNanos;
    }

    @Override
    public SharedBytes retainedPart(ByteBuffer part) {
        return frame.retainedPart(part);
    }

    @Override
    public void respond(AbstractResponse answer) {
        if (!answered.compareAndSet(false, true)) {
            ResponseRecords.release(answer);
            throw answeredTwice();
        }
        connection.answer(this, answer);
    }

    @Override
    public void respondNothing() {
        if (!answered.compareAndSet(false, true)) {
            throw answeredTwice();
        }
        connection.answer(this, null);
    }

    @Override
    public void disconnect(String reason) {
        if (!answered.compareAndSet(false, true)) {
            throw answeredTwice();
        }
        connection.end(this, reason);
    }

    private IllegalStateException answeredTwice() {
        return new IllegalStateException("Request " + context.header + " of " + context.connectionId
                + " was answered twice; a handler must answer each request once");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.protocol.KafkaRequest;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;

/** A request that went through its bytes, and keeps the very answer that it was given. */
public final class CapturedRequest implements KafkaRequest {
    private final RequestHeader header;
    private final AbstractRequest body;
    private final List<AbstractResponse> answers = new ArrayList<>();

    public CapturedRequest(AbstractRequest request) {
        this.header = new RequestHeader(request.apiKey(), request.version(), "test-client", 1);
        this.body = AbstractRequest.parseRequest(request.apiKey(), request.version(), request.serialize()).request;
    }

    public synchronized boolean isAnswered() {
        return !answers.isEmpty();
    }

    /** The one answer. */
    public synchronized <T extends AbstractResponse> T answer(Class<T> type) {
        if (answers.size() != 1) {
            throw new AssertionError(answers.size() + " answers to " + header);
        }
        return type.cast(answers.get(0));
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
        return "test-connection";
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
    public synchronized void respond(AbstractResponse response) {
        answers.add(response);
    }

    @Override
    public void respondNothing() {
        throw new AssertionError("No answer to " + header);
    }

    @Override
    public void disconnect(String reason) {
        throw new AssertionError("Disconnected: " + reason);
    }
}

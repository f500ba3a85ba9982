// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.ClientResponse;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.EnvelopeRequest;
import org.apache.kafka.common.requests.EnvelopeResponse;

/**
 * One command in its envelope. Ordered by its deadline. Belongs to the channel's thread, but for its answer. The client builds
 * a request when it writes it: before that, the other node certainly has nothing of it.
 */
final class EnvelopeSending implements Comparable<EnvelopeSending> {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Node to;
    private final long createdMs;
    private final long deadlineMs;
    private final CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
    private ByteBuffer command;
    private boolean isBuilt;

    /**
     * @param createdMs on the wall clock, for the client
     * @param deadlineMs on the monotonic clock
     */
    EnvelopeSending(Node to, ByteBuffer command, long createdMs, long deadlineMs) {
        this.to = to;
        this.command = command;
        this.createdMs = createdMs;
        this.deadlineMs = deadlineMs;
    }

    Node to() {
        return to;
    }

    long createdMs() {
        return createdMs;
    }

    long deadlineMs() {
        return deadlineMs;
    }

    CompletableFuture<ByteBuffer> answer() {
        return answer;
    }

    EnvelopeRequest.Builder envelope() {
        return new EnvelopeRequest.Builder(command.duplicate(), new byte[0], new byte[0]) {
            @Override
            public EnvelopeRequest build(short version) {
                isBuilt = true;
                return super.build(version);
            }
        };
    }

    void onAnswer(ClientResponse response) {
        if (response.versionMismatch() != null) {
            fail("it takes no commands: " + response.versionMismatch().getMessage());
        } else if (response.wasDisconnected()) {
            fail("the connection was lost");
        } else if (response.responseBody() instanceof EnvelopeResponse envelope
                && envelope.error() == Errors.NONE
                && envelope.responseData() != null) {
            command = NOTHING;
            answer.complete(envelope.responseData());
        } else {
            fail("it answered " + response.responseBody());
        }
    }

    void fail(String why) {
        command = NOTHING; // this object stays in the queue of deadlines for a while
        if (!answer.isDone()) {
            answer.completeExceptionally(isBuilt ? EnvelopeChannel.lost(to, why) : EnvelopeChannel.notSent(to, why));
        }
    }

    @Override
    public int compareTo(EnvelopeSending other) {
        return Long.compare(deadlineMs, other.deadlineMs);
    }
}

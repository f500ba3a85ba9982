// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import io.freshet.common.buffer.SharedBytes;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;

/**
 * One request of one connection. Exactly one of {@link #respond}, {@link #respondNothing} and {@link #disconnect} must be
 * called, from any thread; the front end sends answers in request order and releases the request's frame afterwards.
 */
public interface KafkaRequest {
    RequestHeader header();

    /** The parsed body; record data in it are views of the frame. */
    AbstractRequest body();

    KafkaPrincipal principal();

    InetAddress clientAddress();

    /** Name of the listener that the client connected to. */
    String listenerName();

    /** An id of the connection, unique in this process; as Kafka's connection id. */
    String connectionId();

    /** Nanoseconds on the monotonic clock when the frame was complete. */
    long receivedNanos();

    /**
     * {@code part}, a view of this request's frame such as a produce request's records, as bytes that stay valid while
     * references are held. The caller owns the returned reference.
     */
    SharedBytes retainedPart(ByteBuffer part);

    /** Sends the answer. Record data given as {@link SlicedRecords} are released when written or when the connection is gone. */
    void respond(AbstractResponse response);

    /** Ends a request that has no answer (acks=0). */
    void respondNothing();

    /** Closes the connection without an answer. */
    void disconnect(String reason);
}

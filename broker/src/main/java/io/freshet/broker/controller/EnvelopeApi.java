// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.EnvelopeRequest;
import org.apache.kafka.common.requests.EnvelopeResponse;

/**
 * Takes metadata commands of other nodes out of their envelopes; those of Kafka's own brokers, which hold a client's request,
 * are refused by whoever reads the command. Safe for use by many threads.
 */
public final class EnvelopeApi {
    private final Function<ByteBuffer, CompletableFuture<ByteBuffer>> commands;

    /** @param commands answers a command's bytes, which stay valid until its future completes; never blocks */
    public EnvelopeApi(Function<ByteBuffer, CompletableFuture<ByteBuffer>> commands) {
        this.commands = commands;
    }

    /** Adds ENVELOPE to the router of a controller listener. */
    public void register(ApiRouter router) {
        router.register(ApiKeys.ENVELOPE, this::answer);
    }

    private void answer(KafkaRequest request) {
        EnvelopeRequest envelope = (EnvelopeRequest) request.body();
        Replies.whenDone(
                request, commands.apply(envelope.requestData()), answer -> new EnvelopeResponse(answer, Errors.NONE));
    }
}

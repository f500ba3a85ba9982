// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.protocol.KafkaRequest;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AbstractResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests when a future completes, and turns failures into the request's own error response. */
public final class Replies {
    private static final Logger LOG = LoggerFactory.getLogger(Replies.class);

    private Replies() {}

    /**
     * Answers {@code request} once {@code result} is known: with {@code toResponse} of its value, or with the request's
     * error response. What {@code toResponse} throws is answered as an error too. Answers on the thread that completes the future.
     */
    public static <T> void whenDone(
            KafkaRequest request, CompletableFuture<T> result, Function<T, AbstractResponse> toResponse) {
        var answered = result.handle((value, error) -> {
            answer(request, value, error, toResponse);
            return request;
        });
        answered.exceptionally(error -> {
            LOG.error("Could not answer {} from {}", request.header(), request.connectionId(), error);
            return request;
        });
    }

    private static <T> void answer(
            KafkaRequest request, T value, @Nullable Throwable error, Function<T, AbstractResponse> toResponse) {
        if (error != null) {
            fail(request, error);
            return;
        }
        AbstractResponse response;
        try {
            response = toResponse.apply(value);
        } catch (RuntimeException e) {
            fail(request, e);
            return;
        }
        request.respond(response);
    }

    /**
     * Answers with the error response of the request's own type, Kafka's code for {@code error} in it. A request that has
     * no answer (acks=0) loses its connection instead, so that the client learns of the failure.
     */
    public static void fail(KafkaRequest request, Throwable error) {
        Errors code = KafkaErrors.codeOf(error);
        if (code == Errors.UNKNOWN_SERVER_ERROR) {
            LOG.error("Unexpected failure of {} from {}", request.header(), request.connectionId(), error);
        } else {
            LOG.debug("{} from {} failed with {}", request.header(), request.connectionId(), code, error);
        }
        AbstractResponse response = errorResponse(request, error);
        if (response == null) {
            request.disconnect(request.header().apiKey() + " failed with " + code + " and has no answer to tell it in");
        } else {
            request.respond(response);
        }
    }

    private static @Nullable AbstractResponse errorResponse(KafkaRequest request, Throwable error) {
        try {
            return request.body().getErrorResponse(0, KafkaErrors.exceptionOf(error));
        } catch (RuntimeException e) {
            LOG.error("No error response can be made for {}", request.header(), e);
            return null;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;

/**
 * The one table from this project's error kinds to Kafka's error codes, as seen by a client of the control APIs. Kafka's
 * own exceptions keep their code.
 */
public final class KafkaErrors {
    private KafkaErrors() {}

    /** Kafka's code for {@code error}, future wrappers taken off. */
    public static Errors codeOf(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        return cause instanceof FreshetException known ? codeOf(known.kind()) : Errors.forException(cause);
    }

    /** An exception that Kafka's error responses understand: code of {@link #codeOf}, message of {@code error}. */
    public static Throwable exceptionOf(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof FreshetException known) {
            ApiException translated = codeOf(known.kind()).exception(known.getMessage());
            translated.initCause(known);
            return translated;
        }
        return cause;
    }

    /** Code and message for answers with one error per item. The message of an unexpected failure is not shown to clients. */
    public static ApiError apiErrorOf(Throwable error) {
        return ApiError.fromThrowable(exceptionOf(error));
    }

    /** Kafka's code for a kind of failure. */
    public static Errors codeOf(ErrorKind kind) {
        return switch (kind) {
            case UNAVAILABLE -> Errors.NOT_CONTROLLER;
            case THROTTLED -> Errors.THROTTLING_QUOTA_EXCEEDED;
            case FENCED -> Errors.BROKER_NOT_AVAILABLE;
            case INDETERMINATE -> Errors.REQUEST_TIMED_OUT;
            case MISSING -> Errors.UNKNOWN_TOPIC_OR_PARTITION;
            case INVALID -> Errors.INVALID_REQUEST;
            case DENIED -> Errors.CLUSTER_AUTHORIZATION_FAILED;
            case CORRUPT -> Errors.KAFKA_STORAGE_ERROR;
            case INTERNAL -> Errors.UNKNOWN_SERVER_ERROR;
        };
    }
}

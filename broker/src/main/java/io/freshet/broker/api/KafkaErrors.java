// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.storage.internals.log.RecordValidationException;

/**
 * The one table from this project's error kinds to Kafka's error codes: what a client is told when a command (topics,
 * configurations, groups) fails, and when records (produce, fetch, offsets) cannot be written or read. For records, kinds
 * that may pass become KAFKA_STORAGE_ERROR, because every client retries it on produce and on fetch; consumers stop for good
 * on codes that they do not expect in a fetch answer. Kafka's own exceptions keep their code.
 */
public final class KafkaErrors {
    private KafkaErrors() {}

    private record Row(Errors command, Errors records) {}

    private static Row row(ErrorKind kind) {
        return switch (kind) {
            case UNAVAILABLE -> new Row(Errors.NOT_CONTROLLER, Errors.KAFKA_STORAGE_ERROR);
            case THROTTLED -> new Row(Errors.THROTTLING_QUOTA_EXCEEDED, Errors.KAFKA_STORAGE_ERROR);
            case FENCED -> new Row(Errors.BROKER_NOT_AVAILABLE, Errors.NOT_LEADER_OR_FOLLOWER);
            case INDETERMINATE -> new Row(Errors.REQUEST_TIMED_OUT, Errors.KAFKA_STORAGE_ERROR);
            case MISSING -> new Row(Errors.UNKNOWN_TOPIC_OR_PARTITION, Errors.KAFKA_STORAGE_ERROR);
            case INVALID -> new Row(Errors.INVALID_REQUEST, Errors.INVALID_REQUEST);
            case DENIED -> new Row(Errors.CLUSTER_AUTHORIZATION_FAILED, Errors.KAFKA_STORAGE_ERROR);
            case CORRUPT -> new Row(Errors.KAFKA_STORAGE_ERROR, Errors.CORRUPT_MESSAGE);
            case INTERNAL -> new Row(Errors.UNKNOWN_SERVER_ERROR, Errors.UNKNOWN_SERVER_ERROR);
        };
    }

    /** The code of a failed command, future wrappers taken off. */
    public static Errors codeOf(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        return cause instanceof FreshetException known ? codeOf(known.kind()) : Errors.forException(cause);
    }

    /** The code of a command that failed with {@code kind}. */
    public static Errors codeOf(ErrorKind kind) {
        return row(kind).command();
    }

    /** The code for records that could not be written or read, future wrappers taken off. */
    public static Errors recordCodeOf(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof FreshetException known) {
            return row(known.kind()).records();
        }
        return Errors.forException(
                cause instanceof RecordValidationException invalid ? invalid.invalidException() : cause);
    }

    /** {@code error} as the exception that carries {@link #recordCodeOf}. */
    public static ApiException recordExceptionOf(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        return cause instanceof ApiException known ? known : recordCodeOf(cause).exception(cause.getMessage());
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
}

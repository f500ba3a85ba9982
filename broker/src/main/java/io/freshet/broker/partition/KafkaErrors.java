// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.FreshetException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.storage.internals.log.RecordValidationException;

/**
 * The one table from error kinds to Kafka's error codes, for produce, fetch and offset look-ups. Retriable kinds map to
 * KAFKA_STORAGE_ERROR because every client retries it on both produce and fetch; consumers stop on codes they do not
 * expect in a fetch answer, so nothing more telling would do.
 */
public final class KafkaErrors {
    private KafkaErrors() {}

    /** The Kafka error for {@code error}, whose future wrappers are taken off first. */
    public static Errors of(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof FreshetException known) {
            return switch (known.kind()) {
                case UNAVAILABLE, THROTTLED, INDETERMINATE, MISSING, DENIED -> Errors.KAFKA_STORAGE_ERROR;
                case FENCED -> Errors.NOT_LEADER_OR_FOLLOWER;
                case INVALID -> Errors.INVALID_REQUEST;
                case CORRUPT -> Errors.CORRUPT_MESSAGE;
                case INTERNAL -> Errors.UNKNOWN_SERVER_ERROR;
            };
        }
        if (cause instanceof RecordValidationException invalid) {
            return Errors.forException(invalid.invalidException());
        }
        return Errors.forException(cause);
    }

    /** {@code error} as the exception that Kafka's code would throw. */
    public static ApiException exception(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof ApiException known) {
            return known;
        }
        return of(cause).exception(cause.getMessage());
    }
}

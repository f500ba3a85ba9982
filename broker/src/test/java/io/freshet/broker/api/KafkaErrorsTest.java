// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.storage.internals.log.RecordValidationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KafkaErrorsTest {
    @ParameterizedTest
    @EnumSource(
            value = ErrorKind.class,
            names = {"UNAVAILABLE", "THROTTLED", "INDETERMINATE", "MISSING", "FENCED"})
    void clientsRetryRecordsThatCannotBeHadNow(ErrorKind kind) {
        Errors code = KafkaErrors.recordCodeOf(new CompletionException(new FreshetException(kind, "why")));
        assertThat(code).isIn(Errors.KAFKA_STORAGE_ERROR, Errors.NOT_LEADER_OR_FOLLOWER);
        assertThat(code.exception()).isInstanceOf(RetriableException.class);
    }

    @ParameterizedTest
    @EnumSource(ErrorKind.class)
    void everyKindHasACodeOfItsOwnMeaning(ErrorKind kind) {
        FreshetException error = new FreshetException(kind, "why");
        assertThat(KafkaErrors.codeOf(error)).isNotEqualTo(Errors.NONE).isEqualTo(KafkaErrors.codeOf(kind));
        assertThat(KafkaErrors.recordCodeOf(error)).isNotEqualTo(Errors.NONE);
        assertThat(KafkaErrors.recordCodeOf(error) == Errors.UNKNOWN_SERVER_ERROR)
                .isEqualTo(kind == ErrorKind.INTERNAL);
    }

    @Test
    void kafkasOwnExceptionsKeepTheirCode() {
        assertThat(KafkaErrors.recordCodeOf(new NotLeaderOrFollowerException("moved")))
                .isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER);
        var invalid = new RecordValidationException(Errors.INVALID_TIMESTAMP.exception("late"), List.of());
        assertThat(KafkaErrors.recordCodeOf(invalid)).isEqualTo(Errors.INVALID_TIMESTAMP);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class WaitingTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final Queue<CompletableFuture<String>> answers = new ArrayDeque<>();

    private void failing(ErrorKind... kinds) {
        for (ErrorKind kind : kinds) {
            answers.add(CompletableFuture.failedFuture(new FreshetException(kind, kind.name())));
        }
    }

    @Test
    void triesAgainWhatTheQuorumCouldNotTakeOrMayHaveTaken() {
        failing(ErrorKind.UNAVAILABLE, ErrorKind.INDETERMINATE);
        answers.add(CompletableFuture.completedFuture("registered"));
        assertThat(Waiting.onTries("it", 3, LONG, () -> answers.remove())).isEqualTo("registered");
    }

    @Test
    void givesUpAfterTheLastTry() {
        failing(ErrorKind.UNAVAILABLE, ErrorKind.UNAVAILABLE, ErrorKind.UNAVAILABLE);
        assertThatThrownBy(() -> Waiting.onTries("it", 2, LONG, () -> answers.remove()))
                .hasMessageContaining("UNAVAILABLE");
        assertThat(answers).hasSize(1);
    }

    @Test
    void givesUpAtOnceWhenNoTryCanHelp() {
        for (ErrorKind kind : List.of(ErrorKind.FENCED, ErrorKind.INVALID)) {
            answers.clear();
            failing(kind, kind);
            assertThatThrownBy(() -> Waiting.onTries("it", 5, LONG, () -> answers.remove()))
                    .hasMessageContaining(kind.name());
            assertThat(answers).hasSize(1);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.membership.MembershipConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class EndOfServiceTest {
    private static final HeartbeatAnswer SERVING = new HeartbeatAnswer(false, false, false, 3_600_000);
    private static final HeartbeatAnswer OVER = new HeartbeatAnswer(true, false, true, 3_600_000);
    private static final FreshetException TAKEN = new FreshetException(ErrorKind.FENCED, "the WAL was taken");

    private final ManualScheduler scheduler = new ManualScheduler();
    private final List<CompletableFuture<HeartbeatAnswer>> answers = new ArrayList<>();
    private final List<String> announced = new ArrayList<>();
    private final EndOfService end = new EndOfService(announced::add);
    private Optional<FreshetException> laneFailure = Optional.empty();

    private void start() {
        Membership membership = new Membership(
                new MembershipConfig(1, 500, 1000),
                heartbeat -> {
                    answers.add(new CompletableFuture<>());
                    return answers.get(answers.size() - 1);
                },
                () -> 0,
                Clock.system(),
                scheduler,
                new SimpleMeterRegistry());
        membership.start(5);
        scheduler.advance(0);
        end.watchMembership(membership);
        end.watchWal(() -> laneFailure, scheduler);
    }

    private void answer(HeartbeatAnswer answer) {
        answers.get(answers.size() - 1).complete(answer);
    }

    @Test
    void rejoinsWhenItsSessionIsOverBeforeItServed() {
        start();
        answer(OVER);
        assertThat(end.failure()).isCompleted();
        assertThat(end.mayRejoin()).isTrue();
    }

    @Test
    void rejoinsWhenItsSessionIsOver() {
        start();
        answer(SERVING);
        scheduler.advance(500);
        answer(OVER);
        assertThat(end.failure()).isCompleted();
        assertThat(end.mayRejoin()).isTrue();
        assertThat(announced).hasSize(1);
    }

    @Test
    void rejoinsWhenTheLossOfTheWalIsNoticedBeforeThat() {
        start();
        laneFailure = Optional.of(TAKEN);
        scheduler.advance(500);
        assertThat(end.failure()).isCompletedWithValue(TAKEN);
        assertThat(end.mayRejoin()).isTrue();
    }

    @Test
    void endsWhenItsWalIsTakenThoughItsSessionGoesOn() {
        start();
        answer(SERVING);
        laneFailure = Optional.of(TAKEN);
        scheduler.advance(10_000);
        assertThat(end.failure()).isNotDone();
        scheduler.advance(15_000);
        assertThat(end.failure()).isCompletedWithValue(TAKEN);
        assertThat(end.mayRejoin()).isFalse();
    }

    @Test
    void rejoinsWhenItsWalIsTakenBeforeItHearsThatItsSessionIsOver() {
        start();
        answer(SERVING);
        laneFailure = Optional.of(TAKEN);
        scheduler.advance(500);
        assertThat(end.failure()).isNotDone();
        answer(OVER);
        scheduler.advance(500);
        assertThat(end.failure()).isCompleted();
        assertThat(end.mayRejoin()).isTrue();
        assertThat(announced).hasSize(1);
    }

    @Test
    void endsWhenItsWalIsTakenBeforeItHearsThatAnotherProcessHasItsId() {
        start();
        answer(SERVING);
        laneFailure = Optional.of(TAKEN);
        scheduler.advance(500);
        answers.get(answers.size() - 1)
                .completeExceptionally(new FreshetException(ErrorKind.FENCED, "a newer process has registered"));
        scheduler.advance(500);
        assertThat(end.failure()).isCompleted();
        assertThat(end.mayRejoin()).isFalse();
    }

    @Test
    void endsWhenAnotherProcessHasItsId() {
        start();
        answer(SERVING);
        scheduler.advance(500);
        answers.get(answers.size() - 1)
                .completeExceptionally(new FreshetException(ErrorKind.FENCED, "a newer process has registered"));
        assertThat(end.failure()).isCompleted();
        assertThat(end.mayRejoin()).isFalse();
    }
}

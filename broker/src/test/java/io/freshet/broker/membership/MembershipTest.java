// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class MembershipTest {
    private static final long SESSION_MS = 3000;
    private static final HeartbeatAnswer SERVING = new HeartbeatAnswer(false, false, false, SESSION_MS);
    private static final HeartbeatAnswer STARTING = new HeartbeatAnswer(true, false, false, SESSION_MS);
    private static final FreshetException NO_LEADER = new FreshetException(ErrorKind.UNAVAILABLE, "no leader");

    private final ManualScheduler scheduler = new ManualScheduler();
    private final SetClock clock = new SetClock();
    private final List<BrokerHeartbeat> sent = new ArrayList<>();
    private final List<CompletableFuture<HeartbeatAnswer>> answers = new ArrayList<>();
    private final Membership membership = new Membership(
            new MembershipConfig(7, 500, 1000), this::send, () -> 42, clock, scheduler, new SimpleMeterRegistry());

    private static final class SetClock implements Clock {
        /** Close to the end, so that a lease reaches over the wrap. */
        private long nowNs = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(2);

        @Override
        public long wallMs() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return nowNs;
        }
    }

    private CompletableFuture<HeartbeatAnswer> send(BrokerHeartbeat heartbeat) {
        sent.add(heartbeat);
        CompletableFuture<HeartbeatAnswer> answer = new CompletableFuture<>();
        answers.add(answer);
        return answer;
    }

    /** Time passes for the process, and its scheduler runs. */
    private void pass(long ms) {
        for (long step = 0; step < ms; step += 100) {
            clock.nowNs += TimeUnit.MILLISECONDS.toNanos(100);
            scheduler.advance(100);
        }
    }

    /** Time passes while the process is stopped (SIGSTOP). */
    private void sleep(long ms) {
        clock.nowNs += TimeUnit.MILLISECONDS.toNanos(ms);
    }

    private void answerLast(HeartbeatAnswer answer) {
        answers.get(answers.size() - 1).complete(answer);
    }

    private void serve() {
        membership.start(11);
        CompletableFuture<Void> ready = membership.ready();
        answerLast(SERVING);
        assertThat(ready).isCompleted();
        assertThat(membership.lease().isHeld()).isTrue();
    }

    @Test
    void isReadyWithTheFirstAnswerAndWaitsForNoInterval() {
        membership.start(11);
        scheduler.advance(0);
        assertThat(sent).containsExactly(new BrokerHeartbeat(7, 11, 42, false, false));
        answerLast(STARTING);
        assertThat(membership.lease().isHeld()).isFalse();
        CompletableFuture<Void> ready = membership.ready();
        assertThat(sent).hasSize(2).last().isEqualTo(new BrokerHeartbeat(7, 11, 42, true, false));
        assertThat(ready).isNotDone();
        answerLast(SERVING);
        assertThat(ready).isCompleted();
        assertThat(membership.lease().isHeld()).isTrue();
    }

    @Test
    void theLeaseCountsFromTheSendingAndEndsBeforeTheSession() {
        membership.start(11);
        membership.ready();
        sleep(800);
        answerLast(SERVING);
        sleep(1699);
        assertThat(membership.lease().isHeld()).isTrue();
        sleep(1);
        assertThat(membership.lease().isHeld()).isFalse();
    }

    @Test
    void eachAnswerProlongs() {
        serve();
        for (int i = 0; i < 20; i++) {
            pass(500);
            answerLast(SERVING);
            assertThat(membership.lease().isHeld()).isTrue();
        }
        assertThat(sent).hasSizeBetween(20, 22);
    }

    @Test
    void aStoppedProcessWakesWithoutItsLeaseAndGetsItBackByAHeartbeatOnly() {
        serve();
        sleep(10_000);
        assertThat(membership.lease().isHeld()).isFalse();
        pass(500);
        assertThat(membership.lease().isHeld()).isFalse();
        answerLast(SERVING);
        assertThat(membership.lease().isHeld()).isTrue();
    }

    @Test
    void anAnswerThatSleptWithTheProcessIsWorthNothing() {
        serve();
        pass(500);
        sleep(10_000);
        answerLast(SERVING);
        assertThat(membership.lease().isHeld()).isFalse();
    }

    @Test
    void goesOnWhenTheControllerIsGoneForAWhileOrDoesNotAnswer() {
        serve();
        for (int i = 0; i < 8; i++) {
            pass(500);
            answers.get(answers.size() - 1).completeExceptionally(NO_LEADER);
        }
        assertThat(membership.lease().isHeld()).isFalse();
        int before = sent.size();
        pass(5000);
        assertThat(sent.size() - before).as("sent though none was answered").isBetween(4, 6);
        assertThat(membership.over()).isNotDone();
        answerLast(SERVING);
        assertThat(membership.lease().isHeld()).isTrue();
    }

    @Test
    void aSessionThatIsOverEndsTheLeaseAtOnceAndAllowsToRejoin() {
        serve();
        pass(500);
        answerLast(new HeartbeatAnswer(true, false, true, SESSION_MS));
        assertThat(membership.lease().isHeld()).isFalse();
        assertThat(membership.over()).isCompletedWithValueMatching(Membership.Over::mayRejoin);
        int before = sent.size();
        pass(5000);
        assertThat(sent).hasSize(before);
    }

    @Test
    void aNewerProcessOfTheSameIdEndsThisOne() {
        serve();
        pass(500);
        answers.get(answers.size() - 1)
                .completeExceptionally(new FreshetException(ErrorKind.FENCED, "a newer process has registered"));
        assertThat(membership.lease().isHeld()).isFalse();
        assertThat(membership.over()).isCompletedWithValueMatching(over -> !over.mayRejoin());
    }

    @Test
    void leavesWhenItIsRelieved() {
        serve();
        CompletableFuture<Void> relieved = membership.leave();
        assertThat(sent).last().isEqualTo(new BrokerHeartbeat(7, 11, 42, true, true));
        answerLast(SERVING);
        assertThat(relieved).isNotDone();
        pass(500);
        answerLast(new HeartbeatAnswer(false, true, false, SESSION_MS));
        assertThat(relieved).isCompleted();
        membership.close();
        assertThat(membership.lease().isHeld()).isFalse();
    }
}

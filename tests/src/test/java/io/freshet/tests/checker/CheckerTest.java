// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import static io.freshet.tests.checker.Anomaly.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.checker.Operation.Function;
import io.freshet.tests.checker.Operation.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** For every anomaly a history that has it and nothing else, and one beside it that is fine. */
class CheckerTest {
    private static final String K = "t-0";

    @TempDir
    Path folder;

    /** A history in the making. */
    private static final class Told {
        private final List<Operation> lines = new ArrayList<>();

        Told add(int process, Type type, Function function, List<Step> steps, List<String> keys) {
            lines.add(new Operation(lines.size(), lines.size() * 1000L, process, type, function, steps, keys, ""));
            return this;
        }

        private Told both(int process, Type type, Function function, Step... steps) {
            List<Step> invoked = new ArrayList<>();
            for (Step step : steps) {
                if (step.isSend()) {
                    invoked.add(Step.send(step.key(), step.value()));
                }
            }
            add(process, Type.INVOKE, function, invoked, List.of());
            return add(process, type, function, List.of(steps), List.of());
        }

        Told sent(int process, Step... steps) {
            return both(process, Type.OK, Function.SEND, steps);
        }

        Told maybeSent(int process, Step... steps) {
            return both(process, Type.INFO, Function.SEND, steps);
        }

        Told refused(int process, Step... steps) {
            return both(process, Type.FAIL, Function.SEND, steps);
        }

        Told polled(int process, Step... steps) {
            return both(process, Type.OK, Function.POLL, steps);
        }

        Told transaction(int process, Type type, Step... steps) {
            return both(process, type, Function.TXN, steps);
        }

        Told assigned(int process, String... keys) {
            return add(process, Type.OK, Function.ASSIGN, List.of(), List.of(keys));
        }

        Set<Anomaly> anomalies() {
            return verdict().findings().kinds();
        }

        Checker.Verdict verdict() {
            Checker checker = new Checker();
            lines.forEach(checker::add);
            return checker.finish();
        }
    }

    private static Step send(long offset, long value) {
        return Step.send(K, offset, value);
    }

    private static Step unknown(long value) {
        return Step.send(K, value);
    }

    private static Step poll(long offset, long value) {
        return Step.poll(K, offset, value);
    }

    private static Told told() {
        return new Told();
    }

    /** Three values, sent by one process, read by two. */
    private static Told good() {
        return told().sent(1, send(0, 10), send(1, 11))
                .sent(1, send(2, 12))
                .assigned(2, K)
                .polled(2, poll(0, 10), poll(1, 11))
                .polled(2, poll(2, 12))
                .assigned(3, K)
                .polled(3, poll(0, 10), poll(1, 11), poll(2, 12));
    }

    @Test
    void aGoodHistoryIsGood() {
        Checker.Verdict verdict = good().verdict();
        assertThat(verdict.isGood()).as(verdict.findings().toString()).isTrue();
        assertThat(verdict.totals().acked()).isEqualTo(3);
    }

    @Test
    void twoValuesAtOneOffset() {
        Told history = told().sent(1, send(0, 10)).maybeSent(1, unknown(11)).polled(2, poll(0, 10));
        assertThat(history.anomalies()).isEmpty();
        assertThat(history.polled(3, poll(0, 11)).anomalies()).containsExactly(INCONSISTENT_OFFSETS);
    }

    @Test
    void anAcknowledgementWithAnothersOffset() {
        Told history = good().sent(4, send(0, 13)).polled(3, poll(3, 13));
        assertThat(history.anomalies()).contains(INCONSISTENT_OFFSETS);
    }

    @Test
    void aPollThatFailedMustNotShowOtherValuesEither() {
        Told history = good().maybeSent(1, unknown(13));
        assertThat(history.both(4, Type.INFO, Function.POLL, poll(1, 13)).anomalies())
                .contains(INCONSISTENT_OFFSETS);
    }

    @Test
    void aLostWrite() {
        assertThat(good().sent(1, send(3, 13), send(4, 14))
                        .polled(2, poll(4, 14))
                        .anomalies())
                .contains(LOST_WRITE)
                .doesNotContain(UNSEEN);
        assertThat(good().maybeSent(1, send(3, 13), unknown(14))
                        .polled(2, poll(3, 13))
                        .anomalies())
                .as("what was never acknowledged may be missing")
                .isEmpty();
        assertThat(good().maybeSent(1, send(3, 13), unknown(14))
                        .maybeSent(4, unknown(15))
                        .polled(2, poll(4, 15))
                        .anomalies())
                .as("one of an operation of unknown outcome was acknowledged")
                .contains(LOST_WRITE);
    }

    @Test
    void anUnseenWrite() {
        assertThat(good().sent(1, send(3, 13)).anomalies()).containsExactly(UNSEEN);
        assertThat(good().sent(1, unknown(13)).anomalies())
                .as("acknowledged without an offset")
                .containsExactly(UNSEEN);
        assertThat(good().sent(1, unknown(13)).polled(2, poll(3, 13)).anomalies())
                .isEmpty();
        assertThat(good().maybeSent(1, unknown(13)).anomalies()).isEmpty();
    }

    @Test
    void aDuplicate() {
        assertThat(good().polled(2, poll(3, 12)).anomalies()).containsExactly(DUPLICATE);
        assertThat(good().sent(1, send(7, 13)).polled(2, poll(3, 13)).anomalies())
                .as("the acknowledgement names another place")
                .containsExactly(DUPLICATE);
        assertThat(good().sent(1, Step.send("t-1", 0, 12))
                        .polled(2, Step.poll("t-1", 0, 12))
                        .anomalies())
                .as("another key may hold the same value")
                .isEmpty();
    }

    @Test
    void anAbortedRead() {
        assertThat(good().refused(1, unknown(13)).anomalies()).isEmpty();
        assertThat(good().refused(1, unknown(13)).polled(2, poll(3, 13)).anomalies())
                .containsExactly(ABORTED_READ);
        assertThat(good().transaction(1, Type.FAIL, send(3, 13))
                        .polled(2, poll(3, 13))
                        .anomalies())
                .containsExactly(ABORTED_READ);
        assertThat(good().transaction(1, Type.OK, send(3, 13))
                        .polled(2, poll(3, 13))
                        .anomalies())
                .isEmpty();
    }

    @Test
    void aReadOfWhatNobodySent() {
        assertThat(good().polled(2, poll(3, 99)).anomalies()).containsExactly(UNSENT_READ);
        assertThat(good().polled(2, Step.poll("t-1", 0, 12)).anomalies()).containsExactly(UNSENT_READ);
    }

    @Test
    void aTransactionThatReadsItsOwnWrites() {
        assertThat(good().transaction(2, Type.OK, send(3, 13), poll(3, 13)).anomalies())
                .containsExactly(PRECOMMITTED_READ);
        assertThat(good().transaction(2, Type.OK, send(4, 13), Step.poll("t-1", 0, 13))
                        .sent(1, Step.send("t-1", 0, 13))
                        .polled(3, poll(4, 13))
                        .anomalies())
                .isEmpty();
    }

    @Test
    void aTransactionOfWhichOnePartWasReadIsCommitted() {
        Told torn = good().transaction(1, Type.INFO, send(3, 13), Step.send("t-1", 0, 14));
        assertThat(torn.anomalies()).isEmpty();
        assertThat(torn.polled(2, poll(3, 13)).anomalies()).containsExactly(UNSEEN);
        assertThat(torn.polled(2, Step.poll("t-1", 0, 14)).anomalies()).isEmpty();
    }

    @Test
    void aPollThatSkips() {
        assertThat(good().assigned(4, K).polled(4, poll(0, 10), poll(2, 12)).anomalies())
                .containsExactly(INT_POLL_SKIP);
        assertThat(good().assigned(4, K)
                        .polled(4, poll(0, 10))
                        .polled(4, poll(2, 12))
                        .anomalies())
                .containsExactly(POLL_SKIP);
        assertThat(told().sent(1, send(0, 10), send(2, 12))
                        .polled(4, poll(0, 10))
                        .polled(4, poll(2, 12))
                        .anomalies())
                .as("nothing is known to be between them")
                .isEmpty();
        assertThat(good().polled(4, poll(0, 10))
                        .assigned(4)
                        .assigned(4, K)
                        .polled(4, poll(2, 12))
                        .anomalies())
                .as("assigned anew between them")
                .isEmpty();
        assertThat(good().polled(4, poll(0, 10))
                        .assigned(4, K, "t-1")
                        .polled(4, poll(2, 12))
                        .anomalies())
                .as("an assignment keeps the position of what it had before")
                .containsExactly(POLL_SKIP);
        assertThat(good().polled(4, poll(0, 10))
                        .add(4, Type.OK, Function.POLL, List.of(poll(2, 12)), List.of(K))
                        .anomalies())
                .as("rebalanced between them")
                .isEmpty();
    }

    @Test
    void aPollThatGoesBack() {
        assertThat(good().polled(4, poll(1, 11), poll(0, 10)).anomalies()).containsExactly(INT_NONMONOTONIC_POLL);
        assertThat(good().polled(4, poll(1, 11)).polled(4, poll(1, 11)).anomalies())
                .containsExactly(NONMONOTONIC_POLL);
        assertThat(good().polled(4, poll(1, 11))
                        .add(4, Type.INFO, Function.CRASH, List.of(), List.of())
                        .polled(4, poll(0, 10))
                        .anomalies())
                .isEmpty();
        assertThat(good().polled(4, poll(1, 11))
                        .add(4, Type.OK, Function.SUBSCRIBE, List.of(), List.of("t"))
                        .polled(4, poll(0, 10))
                        .anomalies())
                .isEmpty();
    }

    @Test
    void sendsInTheWrongOrder() {
        assertThat(told().sent(1, send(1, 10), send(0, 11))
                        .polled(2, poll(0, 11), poll(1, 10))
                        .anomalies())
                .containsExactly(INT_NONMONOTONIC_SEND);
        assertThat(told().sent(1, send(1, 10))
                        .sent(1, send(0, 11))
                        .polled(2, poll(0, 11), poll(1, 10))
                        .anomalies())
                .containsExactly(NONMONOTONIC_SEND);
        assertThat(told().sent(1, send(1, 10))
                        .sent(2, send(0, 11))
                        .polled(2, poll(0, 11), poll(1, 10))
                        .anomalies())
                .as("two processes")
                .isEmpty();
        assertThat(told().sent(1, send(1, 10))
                        .sent(1, Step.send("t-1", 0, 11))
                        .polled(2, Step.poll("t-1", 0, 11), poll(1, 10))
                        .anomalies())
                .as("two keys")
                .isEmpty();
    }

    @Test
    void aFileHoldsWhatWasWritten() throws Exception {
        Path file = folder.resolve("history.jsonl");
        try (HistoryWriter writer = HistoryWriter.create(file)) {
            writer.add(1, Type.INVOKE, Function.SEND, List.of(unknown(10)));
            writer.add(1, Type.OK, Function.SEND, List.of(send(0, 10)));
            writer.add(2, Type.OK, Function.ASSIGN, List.of(), List.of(K, "t-1"), "");
            writer.add(2, Type.INFO, Function.POLL, List.of(poll(0, 10)), List.of(), "the \"commit\" failed");
        }
        List<Operation> read = new ArrayList<>();
        HistoryReader.read(file, read::add);
        assertThat(read).extracting(Operation::index).containsExactly(0L, 1L, 2L, 3L);
        assertThat(read.get(1).steps()).containsExactly(send(0, 10));
        assertThat(read.get(2).keys()).containsExactly(K, "t-1");
        assertThat(read.get(3).type()).isEqualTo(Type.INFO);
        assertThat(read.get(3).error()).isEqualTo("the \"commit\" failed");
        assertThat(HistoryReader.check(file).isGood()).isTrue();
    }

    @Test
    void manyValuesTakeSeconds() {
        long began = System.nanoTime();
        Told history = told();
        int batch = 100;
        for (int first = 0; first < 400_000; first += batch) {
            Step[] sends = new Step[batch];
            Step[] polls = new Step[batch];
            for (int i = 0; i < batch; i++) {
                sends[i] = send(2L * (first + i), first + i);
                polls[i] = poll(2L * (first + i), first + i);
            }
            history.sent(1, sends).polled(2, polls);
        }
        assertThat(history.anomalies()).as("every second offset is a gap").isEmpty();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Folds a history, line by line, into what each key's log must have been, and reports what cannot have been. Sorting is all
 * that costs more than linear time. Offsets may have gaps (markers of transactions); what is "skipped" is a value that
 * somebody saw, or was promised, there.
 */
public final class Checker {
    private final Findings findings = new Findings();
    private final Totals totals = new Totals();
    private final Map<String, KeyLog> keys = new HashMap<>();
    private final Map<Integer, Session> sessions = new HashMap<>();
    private final List<Session.Jump> jumps = new ArrayList<>();
    private final List<Operation> undecided = new ArrayList<>();

    /** What a whole history shows. */
    public record Verdict(Findings findings, Totals totals) {
        public boolean isGood() {
            return findings.isEmpty();
        }
    }

    /** The next line. */
    public void add(Operation operation) {
        totals.countOperation();
        Session session = sessions.computeIfAbsent(operation.process(), any -> new Session(findings));
        if (operation.type() == Operation.Type.INVOKE) {
            invoked(operation);
            return;
        }
        switch (operation.function()) {
            case ASSIGN -> session.assigned(operation.keys());
            case SUBSCRIBE -> session.subscribed();
            case CRASH -> session.crashed();
            case SEND, POLL, TXN -> completed(operation, session);
        }
    }

    private void invoked(Operation operation) {
        for (Step step : operation.steps()) {
            if (step.isSend()) {
                log(step.key()).invoked(step.value());
            }
        }
    }

    private void completed(Operation operation, Session session) {
        if (operation.function() == Operation.Function.TXN) {
            readOwnWrites(operation);
            if (operation.type() == Operation.Type.INFO) {
                undecided.add(operation);
            }
        }
        for (Step step : operation.steps()) {
            if (step.isSend()) {
                sent(operation, step);
            } else {
                log(step.key()).polled(step.value(), step.offset(), operation.timeNanos());
            }
        }
        session.completed(operation, jumps);
    }

    private void sent(Operation operation, Step step) {
        boolean isAlone = operation.function() == Operation.Function.SEND;
        if (operation.type() == Operation.Type.OK || (isAlone && step.offset() != Step.UNKNOWN)) {
            log(step.key()).acked(step.value(), step.offset(), operation.timeNanos());
        } else if (operation.type() == Operation.Type.FAIL) {
            log(step.key()).failed(step.value());
        }
    }

    private void readOwnWrites(Operation operation) {
        Set<List<Object>> own = new HashSet<>();
        for (Step step : operation.steps()) {
            if (step.isSend()) {
                own.add(List.of(step.key(), step.value()));
            } else if (own.contains(List.of(step.key(), step.value()))) {
                findings.add(
                        Anomaly.PRECOMMITTED_READ,
                        "%s value %d in line %d",
                        step.key(),
                        step.value(),
                        operation.index());
            }
        }
    }

    private KeyLog log(String key) {
        return keys.computeIfAbsent(key, name -> new KeyLog(name, findings));
    }

    /** The history is over. */
    public Verdict finish() {
        undecided.forEach(this::decide);
        keys.values().forEach(log -> log.judge(totals));
        Map<String, long[]> offsets = new HashMap<>();
        keys.forEach((key, log) -> offsets.put(key, log.offsets()));
        for (Session.Jump jump : jumps) {
            judge(jump, offsets.getOrDefault(jump.key(), new long[0]));
        }
        return new Verdict(findings, totals);
    }

    /** A transaction of unknown outcome was committed if one of its sends has been read. */
    private void decide(Operation transaction) {
        boolean isCommitted = transaction.steps().stream()
                .anyMatch(step ->
                        step.isSend() && log(step.key()).fate(step.value()).isPolled());
        if (isCommitted) {
            transaction.steps().stream()
                    .filter(Step::isSend)
                    .forEach(step -> log(step.key()).acked(step.value(), step.offset(), transaction.timeNanos()));
        }
    }

    private void judge(Session.Jump jump, long[] offsets) {
        @Nullable Long next = KeyLog.next(offsets, jump.from());
        if (next != null && next < jump.to()) {
            findings.add(
                    jump.isInternal() ? Anomaly.INT_POLL_SKIP : Anomaly.POLL_SKIP,
                    "%s: process %d went from offset %d to %d in line %d, past %d",
                    jump.key(),
                    jump.process(),
                    jump.from(),
                    jump.to(),
                    jump.index(),
                    next);
        }
    }
}

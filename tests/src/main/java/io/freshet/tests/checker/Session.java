// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One process: the order of what it sent and saw, within an operation and from one to the next. */
final class Session {
    private final Findings findings;
    private final Map<String, Long> sent = new HashMap<>();
    private final Map<String, Long> position = new HashMap<>();

    Session(Findings findings) {
        this.findings = findings;
    }

    /**
     * A reader went from one offset to a later one, not the next. Whether it skipped something is known at the end.
     *
     * @param isInternal within one operation
     */
    record Jump(String key, long from, long to, boolean isInternal, int process, long index) {}

    void assigned(Collection<String> keys) {
        position.keySet().retainAll(Set.copyOf(keys));
    }

    void subscribed() {
        position.clear();
    }

    void crashed() {
        position.clear();
        sent.clear();
    }

    void completed(Operation operation, List<Jump> jumps) {
        operation.keys().forEach(position::remove);
        Set<String> polled = new HashSet<>();
        Set<String> written = new HashSet<>();
        for (Step step : operation.steps()) {
            if (step.isSend()) {
                send(operation, step, !written.add(step.key()));
            } else {
                poll(operation, step, !polled.add(step.key()), jumps);
            }
        }
    }

    private void send(Operation operation, Step step, boolean isInternal) {
        if (step.offset() == Step.UNKNOWN) {
            return;
        }
        Long last = sent.put(step.key(), step.offset());
        if (last != null && step.offset() <= last) {
            complain(
                    isInternal ? Anomaly.INT_NONMONOTONIC_SEND : Anomaly.NONMONOTONIC_SEND,
                    operation,
                    step.key(),
                    last,
                    step);
        }
    }

    private void poll(Operation operation, Step step, boolean isInternal, List<Jump> jumps) {
        Long last = position.put(step.key(), step.offset());
        if (last == null) {
            return;
        }
        if (step.offset() <= last) {
            complain(
                    isInternal ? Anomaly.INT_NONMONOTONIC_POLL : Anomaly.NONMONOTONIC_POLL,
                    operation,
                    step.key(),
                    last,
                    step);
        } else if (step.offset() > last + 1) {
            jumps.add(new Jump(step.key(), last, step.offset(), isInternal, operation.process(), operation.index()));
        }
    }

    private void complain(Anomaly anomaly, Operation operation, String key, long last, Step step) {
        findings.add(
                anomaly,
                "%s: process %d went from offset %d to %d (value %d) in line %d",
                key,
                operation.process(),
                last,
                step.offset(),
                step.value(),
                operation.index());
    }
}

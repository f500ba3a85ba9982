// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.Locale;

/** What no client of a Kafka cluster may ever see, with an idempotent producer. Names are Jepsen's where it has one. */
public enum Anomaly {
    INCONSISTENT_OFFSETS("two values at one offset of a key"),
    LOST_WRITE("acknowledged, and skipped by every reader"),
    UNSEEN("acknowledged, and not read by the end of the final polls"),
    DUPLICATE("one value at two offsets of a key"),
    ABORTED_READ("read, though its send or transaction certainly failed (G1a)"),
    UNSENT_READ("read, though nobody sent it to this key, or its bytes were damaged"),
    PRECOMMITTED_READ("a transaction polled what it sent itself"),
    INT_POLL_SKIP("one poll jumped over an existing value"),
    POLL_SKIP("a client's next poll jumped over an existing value"),
    INT_NONMONOTONIC_POLL("one poll went back"),
    NONMONOTONIC_POLL("a client's next poll went back"),
    INT_NONMONOTONIC_SEND("two sends of one operation have offsets in the wrong order"),
    NONMONOTONIC_SEND("two sends of a client, one after the other, have offsets in the wrong order");

    private final String meaning;

    Anomaly(String meaning) {
        this.meaning = meaning;
    }

    public String meaning() {
        return meaning;
    }

    /** As in reports: {@code lost-write}. */
    public String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

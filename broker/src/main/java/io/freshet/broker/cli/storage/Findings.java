// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.storage.inspect.Finding;
import java.util.ArrayList;
import java.util.List;

/** Counts and prints findings; keeps a bounded number of them for the JSON document. Used by one thread. */
final class Findings {
    private static final int MAX_KEPT = 10_000;

    private final Printing print;
    private final List<Finding> kept = new ArrayList<>();
    private long count;

    Findings(Printing print) {
        this.print = print;
    }

    void add(Finding finding) {
        count++;
        if (print.isJson()) {
            if (kept.size() < MAX_KEPT) {
                kept.add(finding);
            }
            return;
        }
        StringBuilder where = new StringBuilder();
        if (!finding.key().isEmpty()) {
            where.append(" ").append(finding.key());
        }
        if (finding.streamId() >= 0) {
            where.append(" stream ").append(finding.streamId());
            where.append(" [").append(finding.startOffset()).append(", ");
            where.append(finding.endOffset()).append(")");
        }
        print.text("%s%s: %s", finding.kind(), where, finding.message());
    }

    long count() {
        return count;
    }

    /** The first findings; all of them unless there are very many. */
    List<Finding> kept() {
        return List.copyOf(kept);
    }
}

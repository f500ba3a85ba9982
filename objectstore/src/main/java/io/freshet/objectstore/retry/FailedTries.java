// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.retry;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the tries of one request failed with, one error of each sort: the last one alone may hide why the others failed, such as a time-out after
 * refused connections. The tries follow one another, and each hand-over orders them, so there is one writer at a time.
 */
final class FailedTries {
    private final Map<Sort, Throwable> roots = new LinkedHashMap<>();
    private int count;

    void add(FreshetException failure) {
        count++;
        Throwable root = root(failure);
        roots.put(new Sort(failure.kind(), root.getClass()), root);
    }

    int count() {
        return count;
    }

    /** {@code last} itself, or for a repeated request one that says how often it was tried, and what else it failed with. */
    FreshetException sum(FreshetException last) {
        if (count <= 1) {
            return last;
        }
        Throwable lastRoot = root(last);
        String others = roots.values().stream()
                .filter(root -> root != lastRoot)
                .map(Throwable::toString)
                .collect(Collectors.joining(", "));
        return new FreshetException(
                last.kind(),
                last.getMessage() + " (gave up after " + count + " attempts"
                        + (others.isEmpty() ? "" : "; others failed with " + others) + ")",
                last);
    }

    private static Throwable root(Throwable error) {
        Throwable root = error;
        for (int depth = 0; root.getCause() != null && depth < 20; depth++) {
            root = root.getCause();
        }
        return root;
    }

    private record Sort(ErrorKind kind, Class<?> root) {}
}

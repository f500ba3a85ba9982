// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has been opened so far, closed in reverse order whatever fails. Used by one thread at a time. */
final class OpenedParts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenedParts.class);

    private final Deque<Part> parts = new ArrayDeque<>();

    /** Remembers {@code part} and gives it back. */
    <T extends AutoCloseable> T add(String name, T part) {
        parts.push(new Part(name, part));
        return part;
    }

    @Override
    public void close() {
        while (!parts.isEmpty()) {
            Part part = parts.pop();
            try {
                part.handle.close();
            } catch (Exception e) {
                LOG.warn("{} did not close cleanly", part.name, e);
            }
        }
    }

    private record Part(String name, AutoCloseable handle) {}
}

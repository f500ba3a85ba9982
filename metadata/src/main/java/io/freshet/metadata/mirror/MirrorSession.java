// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.Optional;
import org.apache.kafka.common.Uuid;

/**
 * One process's right to write the mirror, got from {@link MirrorStart} and given up to whoever takes the next key first.
 * Immutable.
 */
public final class MirrorSession {
    private final MirrorStore store;
    private final String clusterId;
    private final Uuid writer;
    private final Optional<Uuid> predecessor;
    private final MirrorPosition position;

    MirrorSession(
            MirrorStore store, String clusterId, Uuid writer, Optional<Uuid> predecessor, MirrorPosition position) {
        this.store = store;
        this.clusterId = clusterId;
        this.writer = writer;
        this.predecessor = predecessor;
        this.position = position;
    }

    MirrorStore store() {
        return store;
    }

    public String clusterId() {
        return clusterId;
    }

    /** This process in the mirror's objects. */
    Uuid writer() {
        return writer;
    }

    /** The last process on this directory: a write of its may still arrive late. */
    Optional<Uuid> predecessor() {
        return predecessor;
    }

    MirrorPosition position() {
        return position;
    }

    /** The log offset at which the mirror ended when this process joined. */
    public long endOffset() {
        return position.endOffset();
    }

    /**
     * Refuses a directory that lacks records which the mirror has: it is an old copy.
     *
     * @param logEndOffset the end of the directory's log
     * @throws FreshetException FENCED
     */
    public void requireLogUpTo(long logEndOffset) {
        if (logEndOffset < position.endOffset()) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "The metadata directory ends at offset " + logEndOffset + ", but its mirror in " + store.describe()
                            + " already goes to " + position.endOffset()
                            + ": the directory is an old copy. Move it away and start again with metadata.mirror=sync"
                            + " to restore it from the mirror");
        }
    }
}

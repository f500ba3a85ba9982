// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.FreshetException;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** All tails of this process by stream id: open streams, recovered ones, and closed ones that are still being uploaded. */
public final class StreamTails {
    private final Map<Long, StreamTail> tails = new ConcurrentHashMap<>();

    /** A view that changes with the registry. */
    public Collection<StreamTail> all() {
        return Collections.unmodifiableCollection(tails.values());
    }

    public @Nullable StreamTail get(long streamId) {
        return tails.get(streamId);
    }

    /**
     * A tail that was suspended for opening.
     *
     * @param number this opening among those of the tail
     */
    public record Opening(StreamTail tail, long number) {
        /** Fails with FENCED if another opening has begun since. */
        public void require() {
            tail.requireOpening(number);
        }
    }

    /** Adds {@code tail} unless the stream has one; suspends the one it has then for opening. */
    public Opening suspendForOpen(StreamTail tail) {
        Opening[] opening = new Opening[1];
        tails.compute(tail.streamId(), (id, present) -> {
            StreamTail chosen = present == null ? tail : present;
            opening[0] = new Opening(chosen, chosen.suspend());
            return chosen;
        });
        return opening[0];
    }

    /** Adds a recovered stream's tail. */
    public void add(StreamTail tail) {
        tails.put(tail.streamId(), tail);
    }

    /** Forgets the tail if its owner left and all is committed. */
    public void removeIfDrained(StreamTail tail) {
        if (tail.isDrained()) {
            tails.computeIfPresent(tail.streamId(), (id, present) -> {
                if (present != tail || !tail.isDrained()) {
                    return present;
                }
                tail.evictAll();
                return null;
            });
        }
    }

    /** As {@link #drop}, but only a recovered tail that nobody has begun to open. */
    public void dropUnclaimed(StreamTail tail, FreshetException reason) {
        boolean[] isDropped = {false};
        tails.computeIfPresent(tail.streamId(), (id, present) -> {
            isDropped[0] = present == tail && !tail.isClaimed();
            return isDropped[0] ? null : present;
        });
        if (isDropped[0]) {
            tail.dropAll(reason);
        }
    }

    /** Puts {@code next} in the place of {@code tail}, which is forgotten but for its parked records. */
    public void replace(StreamTail tail, StreamTail next, FreshetException reason) {
        next.park(tail.retainParked()); // before the old tail goes: they hold their lanes' space
        tails.replace(tail.streamId(), tail, next);
        tail.dropAll(reason);
    }

    /** Forgets the tail and all that is not committed. */
    public void drop(StreamTail tail, FreshetException reason) {
        tails.remove(tail.streamId(), tail);
        tail.dropAll(reason);
    }
}

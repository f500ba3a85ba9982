// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the outside was promised: which batches were acknowledged where, what consumers have seen, how far streams were asked
 * to be trimmed. Whatever contradicts it later is a violation; the first one ends the run.
 */
public final class Ledger {
    /** A batch as clients know it. */
    public record Known(long baseOffset, long endOffset, long producerId, int sequence, int crc) {
        /** The sequence of the producer's next batch: each record has one. */
        int nextSequence() {
            return sequence + (int) (endOffset - baseOffset);
        }
    }

    /** What is known of one stream. */
    public static final class Stream {
        public final long streamId;
        public final NavigableMap<Long, Known> acknowledged = new TreeMap<>();
        public final NavigableMap<Long, Known> consumed = new TreeMap<>();
        /** Leader epoch to the end that its owner found when it opened the stream. */
        public final NavigableMap<Integer, Long> opened = new TreeMap<>();

        public long trimAsked;
        public long trimDone;

        Stream(long streamId) {
            this.streamId = streamId;
        }
    }

    private final World world;
    private final Map<Long, Stream> streams = new TreeMap<>();
    private final Map<Long, Map<Integer, Known>> acknowledgedByProducer = new HashMap<>();
    private @Nullable String violation;
    private long acknowledgedCount;
    private long consumedCount;

    public Ledger(World world) {
        this.world = world;
    }

    public void add(long streamId) {
        streams.put(streamId, new Stream(streamId));
    }

    public boolean knows(long streamId) {
        return streams.containsKey(streamId);
    }

    public List<Stream> streams() {
        return new ArrayList<>(streams.values());
    }

    public Stream stream(long streamId) {
        return Objects.requireNonNull(streams.get(streamId), "Unknown stream");
    }

    public long acknowledgedCount() {
        return acknowledgedCount;
    }

    public long consumedCount() {
        return consumedCount;
    }

    @Nullable
    public String violation() {
        return violation;
    }

    public void violated(String what) {
        if (violation == null) {
            violation = what;
            world.time.say(world.process, () -> "VIOLATION: " + what);
        }
    }

    public void check(boolean holds, java.util.function.Supplier<String> what) {
        if (!holds) {
            violated(what.get());
        }
    }

    /** An owner has the stream open and begins to append at {@code endOffset}. */
    public void opened(long streamId, int leaderEpoch, long endOffset) {
        Stream stream = stream(streamId);
        stream.opened.put(leaderEpoch, endOffset);
        Map.Entry<Long, Known> last = stream.acknowledged.lastEntry();
        check(
                last == null || last.getValue().endOffset() <= endOffset || isSuperseded(stream, leaderEpoch),
                () -> "Stream " + streamId + " was opened under leader epoch " + leaderEpoch + " at its end "
                        + endOffset + " although " + last + " was acknowledged before");
    }

    private static boolean isSuperseded(Stream stream, int leaderEpoch) {
        return stream.opened.higherKey(leaderEpoch) != null;
    }

    /** The WAL answered: the append of this owner is durable. It is what a client may be told from now on. */
    public void durable(long streamId, int leaderEpoch, Known batch) {
        Stream stream = stream(streamId);
        Map.Entry<Integer, Long> newer = stream.opened.higherEntry(leaderEpoch);
        check(
                newer == null || batch.endOffset() <= newer.getValue(),
                () -> "The owner of stream " + streamId + " under leader epoch " + leaderEpoch + " acknowledges "
                        + batch + " although leader epoch " + newer.getKey() + " has opened the stream at "
                        + newer.getValue());
        Known other = stream.acknowledged.get(batch.baseOffset());
        check(
                other == null || other.equals(batch),
                () -> "Stream " + streamId + ": " + batch + " is acknowledged where " + other + " was before");
        stream.acknowledged.put(batch.baseOffset(), batch);
    }

    /** A producer got its answer. */
    public void acknowledged(long streamId, Known batch) {
        acknowledgedCount++;
        Stream stream = stream(streamId);
        Known known = stream.acknowledged.get(batch.baseOffset());
        check(
                batch.equals(known),
                () -> "Stream " + streamId + ": a client was told of " + batch + ", durable there is " + known);
        Known former = acknowledgedByProducer
                .computeIfAbsent(batch.producerId(), id -> new HashMap<>())
                .put(batch.sequence(), batch);
        check(
                former == null || former.equals(batch),
                () -> "Stream " + streamId + ": one batch was acknowledged as " + former + " and as " + batch);
    }

    public void consumed(long streamId, Known batch) {
        consumedCount++;
        Stream stream = stream(streamId);
        Known seen = stream.consumed.putIfAbsent(batch.baseOffset(), batch);
        check(
                seen == null || seen.equals(batch),
                () -> "Stream " + streamId + ": a consumer saw " + seen + " and later " + batch);
        Known known = stream.acknowledged.get(batch.baseOffset());
        check(
                known == null || known.equals(batch),
                () -> "Stream " + streamId + ": a consumer saw " + batch + ", acknowledged is " + known);
    }

    public void trimAsked(long streamId, long toOffset) {
        Stream stream = stream(streamId);
        stream.trimAsked = Math.max(stream.trimAsked, toOffset);
    }

    public void trimDone(long streamId, long toOffset) {
        Stream stream = stream(streamId);
        stream.trimDone = Math.max(stream.trimDone, toOffset);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.Manifests;
import io.freshet.tests.sim.Ledger.Known;
import io.freshet.tests.sim.Ledger.Stream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Holds what is stored, read by the independent readers, against what was promised. */
public final class Audit {
    private static final int MANY = 1_000_000;

    private final World world;
    private final Ledger ledger;
    private final Manifests manifests;
    private final Map<Long, @Nullable ObjectFile> files = new HashMap<>();
    private final WalAudit wals;

    public Audit(World world) {
        this.world = world;
        this.ledger = world.ledger;
        this.manifests = world.cluster().manifests();
        this.wals = new WalAudit(world, manifests);
    }

    /** Acknowledged batches are in committed objects or in their owner's WAL. May be asked at any time. */
    public void nothingIsLost() {
        for (Stream stream : ledger.streams()) {
            NavigableMap<Long, Known> committed = committed(stream);
            StreamState state = manifests.stream(stream.streamId).orElseThrow();
            ledger.check(
                    state.startOffset() <= stream.trimAsked && state.startOffset() >= stream.trimDone,
                    () -> "Stream " + stream.streamId + " begins at " + state.startOffset()
                            + "; trims were asked up to " + stream.trimAsked + " and answered up to "
                            + stream.trimDone);
            for (Known batch : stream.acknowledged.values()) {
                boolean isTrimmed = batch.endOffset() <= state.startOffset();
                boolean isCommitted = batch.endOffset() <= state.endOffset();
                if (!isTrimmed && isCommitted) {
                    ledger.check(
                            batch.equals(committed.get(batch.baseOffset())),
                            () -> "Stream " + stream.streamId + ": " + batch + " was acknowledged, committed is "
                                    + committed.get(batch.baseOffset()));
                } else if (!isTrimmed && !world.cluster().disk(state.ownerId()).hasLostWrites()) {
                    ledger.check(
                            isIn(wals.volume(state.ownerId()), stream, batch) || isIn(wals.slots(), stream, batch),
                            () -> "Stream " + stream.streamId + ": " + batch + " was acknowledged, but is neither"
                                    + " committed (the manifest ends at " + state.endOffset() + ") nor in the WAL of "
                                    + state.ownerId() + " or a dead broker's");
                }
            }
        }
    }

    /** All is committed: the streams hold what was promised, each batch once, and nothing else is left. */
    public void everythingIsCommitted(boolean clocksWereSteady) {
        nothingIsLost();
        for (Stream stream : ledger.streams()) {
            NavigableMap<Long, Known> committed = committed(stream);
            StreamState state = manifests.stream(stream.streamId).orElseThrow();
            Map<String, Known> bySequence = new HashMap<>();
            for (Known batch : committed.values()) {
                Known other = bySequence.put(batch.producerId() + "/" + batch.sequence(), batch);
                ledger.check(
                        other == null,
                        () -> "Stream " + stream.streamId + ": one batch was written twice, as " + other + " and as "
                                + batch);
            }
            for (Known batch : stream.consumed.values()) {
                ledger.check(
                        batch.endOffset() <= state.startOffset() || batch.equals(committed.get(batch.baseOffset())),
                        () -> "Stream " + stream.streamId + ": a consumer saw " + batch + ", there is "
                                + committed.get(batch.baseOffset()));
            }
        }
        nothingIsLeftOver(clocksWereSteady);
        objectsAreNamed();
        followersAgree();
    }

    /** Reads and verifies all committed segments of a stream. */
    private NavigableMap<Long, Known> committed(Stream stream) {
        NavigableMap<Long, Known> found = new TreeMap<>();
        StreamState state = manifests.stream(stream.streamId).orElseThrow();
        List<StreamSegment> segments = manifests.segments(stream.streamId, 0, MANY);
        long next = -1;
        for (StreamSegment segment : segments) {
            long expected = next;
            ledger.check(
                    expected < 0 ? segment.startOffset() <= state.startOffset() : segment.startOffset() == expected,
                    () -> "The manifest of stream " + stream.streamId + " has " + segment + " behind offset " + expected
                            + "; the stream begins at " + state.startOffset());
            readSegment(segment, found);
            next = segment.endOffset();
        }
        long end = next;
        ledger.check(
                end == state.endOffset() || (end < 0 && state.startOffset() == state.endOffset()),
                () -> "The manifest of stream " + stream.streamId + " ends at " + end + ", the stream at "
                        + state.endOffset());
        return found;
    }

    private void readSegment(StreamSegment segment, NavigableMap<Long, Known> found) {
        ObjectFile file = file(segment.objectId());
        if (file == null) {
            ledger.violated("Object " + segment.objectId() + " of " + segment + " is not in the store");
            return;
        }
        ObjectFile.Segment inObject = file.segments().stream()
                .filter(each -> each.streamId() == segment.streamId() && each.startOffset() == segment.startOffset())
                .findFirst()
                .orElse(null);
        if (inObject == null || inObject.endOffset() != segment.endOffset()) {
            ledger.violated("The object of " + segment + " holds " + inObject);
            return;
        }
        long next = segment.startOffset();
        ByteBuffer content = file.content(inObject);
        for (Known batch : SimBatches.all(content, ledger, segment.toString())) {
            long expected = next;
            ledger.check(batch.baseOffset() == expected, () -> segment + " has " + batch + " at offset " + expected);
            found.put(batch.baseOffset(), batch);
            next = batch.endOffset();
        }
        long end = next;
        ledger.check(end == segment.endOffset(), () -> segment + " has batches up to " + end);
    }

    private @Nullable ObjectFile file(long objectId) {
        return files.computeIfAbsent(objectId, id -> {
            String key = ObjectKeys.dataKey(id);
            SimStore.StoredObject object = world.store.get(key);
            if (object == null) {
                return null;
            }
            try {
                return ObjectFile.read(key, object.bytes(), id);
            } catch (IllegalStateException | IndexOutOfBoundsException e) {
                ledger.violated("Committed bytes do not verify: " + e.getMessage());
                return null;
            }
        });
    }

    private static boolean isIn(Map<Long, Set<Known>> found, Stream stream, Known batch) {
        return found.getOrDefault(stream.streamId, Set.of()).contains(batch);
    }

    private void nothingIsLeftOver(boolean clocksWereSteady) {
        long longAgoMs = world.time.wallMs() - World.MAX_LATE_MS - 2 * world.orphanGraceMs;
        Set<Long> retired = new HashSet<>();
        for (RetiredObject object : manifests.retiredObjects(MANY)) {
            if (object.retiredAtMs() < longAgoMs) {
                retired.add(object.objectId());
            }
        }
        world.store.objects().forEach((key, object) -> {
            long id = ObjectKeys.objectId(key);
            ledger.check(
                    id < 0 || object.modifiedAtMs() >= longAgoMs || manifests.isObjectKnown(id),
                    () -> "Object " + key + " is unknown to the quorum and was not swept");
            ledger.check(
                    !clocksWereSteady || !retired.contains(id),
                    () -> "Object " + key + " is retired and was not deleted");
        });
    }

    /** An object is known as live as long as a manifest names it, and no longer. */
    private void objectsAreNamed() {
        Set<Long> named = new TreeSet<>();
        for (long streamId : manifests.streamIds(-1, MANY)) {
            manifests.segments(streamId, 0, MANY).forEach(segment -> named.add(segment.objectId()));
        }
        Set<Long> live = new TreeSet<>();
        manifests.objects(0, MANY).forEach(object -> live.add(object.objectId()));
        ledger.check(
                live.equals(named),
                () -> "Manifests name the objects " + named + ", the quorum holds for live " + live);
    }

    /** The state is the same function of the log everywhere. */
    private void followersAgree() {
        world.cluster().copies().forEach((brokerId, copy) -> {
            for (Stream stream : ledger.streams()) {
                ledger.check(
                        copy.stream(stream.streamId).equals(manifests.stream(stream.streamId))
                                && copy.segments(stream.streamId, 0, MANY)
                                        .equals(manifests.segments(stream.streamId, 0, MANY)),
                        () -> "Broker " + brokerId + " and the quorum differ about stream " + stream.streamId);
            }
            ledger.check(
                    copy.retiredObjects(MANY).equals(manifests.retiredObjects(MANY))
                            && copy.objects(0, MANY).equals(manifests.objects(0, MANY)),
                    () -> "Broker " + brokerId + " and the quorum differ about objects");
        });
    }
}

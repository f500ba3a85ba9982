// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.follow;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestPages.Page;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ManifestQuery.From;
import io.freshet.metadata.StateQueries;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.Holdings;
import io.freshet.metadata.state.ManifestLoad;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the manifests of the streams that this broker leads, and of no others, in a state that keeps only those: asks the quorum's leader for
 * them page by page when leadership comes, and gives them up some time after it has gone, so that reads which are under way then can
 * end. All of it on the metadata thread, but for {@link #kept}.
 */
public final class ManifestFollower {
    private static final Logger LOG = LoggerFactory.getLogger(ManifestFollower.class);
    private static final int MAX_QUERIES = 4;
    private static final int STREAMS_PER_QUERY = 200;
    private static final long LONGEST_PAUSE_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long FIRST_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(30);

    /**
     * How a follower asks and forgets.
     *
     * @param graceMs for how long a manifest stays after its stream has gone elsewhere
     * @param segmentsPerPage the most segments in one answer
     */
    public record Settings(long graceMs, int segmentsPerPage) {
        /** Longer than a fetch waits. */
        public static final Settings DEFAULT = new Settings(60_000, 5_000);
    }

    /** Runs tasks on the metadata thread. */
    @FunctionalInterface
    public interface MetadataThread {
        /** False if it takes no more tasks. */
        boolean run(Runnable task);
    }

    private final ClusterState state;
    private final Holdings holdings;
    private final LedStreams led;
    private final StateQueries leader;
    private final MetadataThread metadataThread;
    private final Clock clock;
    private final Settings settings;
    /** Whose next page is to be asked for. */
    private final ArrayDeque<ManifestLoad> queued = new ArrayDeque<>();

    private final Map<Long, Long> releaseAtNs = new HashMap<>();
    private final Map<Long, List<Waiter>> waiters = new HashMap<>();
    private int queries;
    private long pauseNs;
    private long notBeforeNs;

    private record Waiter(CompletableFuture<Void> future, long untilNs) {}

    /**
     * @param state keeps a part only
     * @param brokerId whose streams are kept
     */
    public ManifestFollower(
            ClusterState state,
            int brokerId,
            StateQueries leader,
            MetadataThread metadataThread,
            Clock clock,
            Settings settings) {
        this.state = state;
        this.holdings = Objects.requireNonNull(state.holdings(), "the state keeps everything");
        this.led = new LedStreams(brokerId, state.manifests());
        this.leader = leader;
        this.metadataThread = metadataThread;
        this.clock = clock;
        this.settings = settings;
        this.notBeforeNs = clock.nanoTime();
    }

    /** The state has changed; before listeners hear of it. */
    public void onApplied(MetadataDelta delta) {
        follow(led.onChange(delta));
    }

    /** The state was replaced by a snapshot, and may have lost all manifests. */
    public void onReplaced(MetadataImage image) {
        LedStreams.Changes changes = led.onReplaced(image);
        queued.removeIf(load -> !holdings.isLoading(load));
        follow(changes);
    }

    private void follow(LedStreams.Changes changes) {
        for (long streamId : changes.begun()) {
            releaseAtNs.remove(streamId);
            begin(streamId);
        }
        long nowNs = clock.nanoTime();
        for (long streamId : changes.ended()) {
            releaseAtNs.put(streamId, nowNs + TimeUnit.MILLISECONDS.toNanos(settings.graceMs()));
            fail(streamId);
        }
        List<Long> strangers = holdings.takeCreated().stream()
                .filter(streamId -> !led.isLed(streamId) && !releaseAtNs.containsKey(streamId))
                .toList();
        holdings.release(strangers);
        settle();
        ask();
    }

    private void begin(long streamId) {
        if (!holdings.isKept(streamId) && !holdings.isLoading(streamId)) {
            queued.add(holdings.begin(streamId, state.appliedOffset()));
        }
    }

    private void settle() {
        for (long streamId : holdings.settle(state.appliedOffset())) {
            List<Waiter> waiting = waiters.remove(streamId);
            if (waiting != null) {
                waiting.forEach(waiter -> waiter.future.complete(null));
            }
        }
    }

    /** Now and then: what has failed is asked again, what has gone is given up. */
    public void tick() {
        long nowNs = clock.nanoTime();
        List<Long> due = new ArrayList<>();
        releaseAtNs.forEach((streamId, atNs) -> {
            if (nowNs - atNs >= 0) {
                due.add(streamId);
            }
        });
        if (!due.isEmpty()) {
            due.forEach(releaseAtNs::remove);
            holdings.release(due);
        }
        expire(nowNs);
        if (led.lacksStreams()) {
            follow(led.onReplaced(state.image()));
        }
        ask();
    }

    private void expire(long nowNs) {
        Iterator<Map.Entry<Long, List<Waiter>>> all = waiters.entrySet().iterator();
        List<Waiter> late = new ArrayList<>();
        while (all.hasNext()) {
            List<Waiter> waiting = all.next().getValue();
            waiting.stream().filter(waiter -> nowNs - waiter.untilNs >= 0).forEach(late::add);
            waiting.removeAll(late);
            if (waiting.isEmpty()) {
                all.remove();
            }
        }
        late.forEach(waiter -> waiter.future.completeExceptionally(new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The quorum's leader has not sent the stream's manifest for " + TimeUnit.NANOSECONDS.toSeconds(WAIT_NS)
                        + " s; this node goes on asking, retry")));
    }

    /** Completes when the stream's manifest is whole here; from any thread. */
    public CompletableFuture<Void> kept(long streamId) {
        if (holdings.isKept(streamId)) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> whole = new CompletableFuture<>();
        if (!metadataThread.run(() -> await(streamId, whole))) {
            whole.completeExceptionally(
                    new FreshetException(ErrorKind.UNAVAILABLE, "This metadata node is stopping; use another one"));
        }
        return whole;
    }

    private void await(long streamId, CompletableFuture<Void> whole) {
        if (holdings.isKept(streamId)) {
            whole.complete(null);
        } else if (!led.isLed(streamId)) {
            whole.completeExceptionally(notLed(streamId));
        } else {
            begin(streamId);
            waiters.computeIfAbsent(streamId, id -> new ArrayList<>())
                    .add(new Waiter(whole, clock.nanoTime() + WAIT_NS));
            ask();
        }
    }

    private void fail(long streamId) {
        List<Waiter> waiting = waiters.remove(streamId);
        if (waiting != null) {
            waiting.forEach(waiter -> waiter.future.completeExceptionally(notLed(streamId)));
        }
    }

    private static FreshetException notLed(long streamId) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "Stream " + streamId + " is not led by this broker (any more); look at the image again");
    }

    private void ask() {
        if (clock.nanoTime() - notBeforeNs < 0) {
            return;
        }
        while (queries < MAX_QUERIES && !queued.isEmpty()) {
            List<ManifestLoad> asked = new ArrayList<>();
            while (asked.size() < STREAMS_PER_QUERY && !queued.isEmpty()) {
                ManifestLoad load = queued.remove();
                if (holdings.isLoading(load)) {
                    asked.add(load);
                }
            }
            if (!asked.isEmpty()) {
                query(asked);
            }
        }
    }

    private void query(List<ManifestLoad> asked) {
        queries++;
        long minOffset =
                asked.stream().mapToLong(ManifestLoad::sinceOffset).max().orElseThrow();
        List<From> from = asked.stream()
                .map(load -> new From(load.streamId(), load.nextStart()))
                .toList();
        leader.readManifests(new ManifestQuery(
                        minOffset, true, from, settings.segmentsPerPage(), settings.segmentsPerPage()))
                .whenComplete((pages, error) -> metadataThread.run(() -> {
                    queries--;
                    if (error == null) {
                        pauseNs = 0;
                        answered(asked, pages);
                    } else {
                        failed(asked, FreshetException.of(error));
                    }
                }));
    }

    private void answered(List<ManifestLoad> asked, ManifestPages answer) {
        for (int i = 0; i < asked.size(); i++) {
            ManifestLoad load = asked.get(i);
            if (!holdings.isLoading(load)) {
                continue; // it is given up
            }
            try {
                take(load, i, answer);
            } catch (FreshetException e) {
                LOG.error("The manifest of stream {} is asked for anew", load.streamId(), e);
                holdings.release(List.of(load.streamId()));
                begin(load.streamId());
                continue;
            }
            if (!load.hasAllPages()) {
                queued.addFirst(load);
            }
        }
        settle();
        ask();
    }

    private static void take(ManifestLoad load, int place, ManifestPages answer) {
        if (place >= answer.pages().size()) {
            return; // there was no room for it
        }
        Page page = answer.pages().get(place);
        if (page.streamId() != load.streamId()) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "The manifest of stream " + page.streamId() + " came where that of stream " + load.streamId()
                            + " was asked for");
        }
        load.addPage(page.segments(), answer.offset(), page.isLast());
    }

    private void failed(List<ManifestLoad> asked, FreshetException error) {
        asked.stream().filter(holdings::isLoading).forEach(queued::add);
        pauseNs = Math.min(LONGEST_PAUSE_NS, Math.max(FIRST_PAUSE_NS, 2 * pauseNs));
        notBeforeNs = clock.nanoTime() + pauseNs;
        LOG.warn(
                "The manifests of {} streams that this broker leads could not be read from the quorum's leader ({}: {}); trying"
                        + " again in {} ms{}",
                asked.size(),
                error.kind(),
                error.getMessage(),
                TimeUnit.NANOSECONDS.toMillis(pauseNs),
                error.kind() == ErrorKind.INVALID
                        ? ". Until the nodes that vote are upgraded, these streams cannot be served here"
                        : "");
    }

    /** Fails who waits. */
    public void close() {
        List.copyOf(waiters.keySet()).forEach(this::fail);
    }
}

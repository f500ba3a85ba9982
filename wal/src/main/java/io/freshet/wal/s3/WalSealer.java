// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.s3.WalOwners.Standing;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the S3 WALs of brokers that the quorum has fenced, so that others can serve what they hold. Runs on every broker: one of
 * the live ones, chosen by the WAL's name, acts at once, the others after a delay each, in case it cannot. All WALs are dealt
 * with side by side; a failure is tried again. No broker ends the WAL that it writes itself.
 *
 * <p>A registration begins fenced. Such a broker is given time, lest its WAL end before it has begun, unless this process has
 * seen it unfenced before; so is a broker that came back, which ends its earlier WALs itself.
 *
 * <p>Single writer: everything runs as a task on the executor of the services.
 */
public final class WalSealer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WalSealer.class);
    private static final int READ_AHEAD_SLOTS = 16;

    private final Config config;
    private final WalCatalog catalog;
    private final WalOwners owners;
    private final ObjectStore store;
    private final WalRegistry registry;
    private final SlotFormat format;
    private final S3WalServices services;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final Scheduler.Cancellable timer;
    private final Timer sealTime;
    private final Counter failedTries;
    private final Set<WalKey> seenAlive = new HashSet<>();
    private final Map<WalKey, Dead> dead = new HashMap<>();
    private volatile int unsealed;
    private volatile boolean isClosed;

    /**
     * When it acts.
     *
     * @param brokerId this broker
     * @param periodMs pause between two looks at the metadata; {@link #look()} makes one at once
     * @param turnMs delay of each further broker in the row
     * @param startGraceMs time that a broker gets to begin, or one that came back to end its earlier WALs
     */
    public record Config(int brokerId, long periodMs, long turnMs, long startGraceMs) {
        public static Config of(int brokerId) {
            return new Config(brokerId, 250, 1_000, 30_000);
        }
    }

    /** A WAL that has to be ended. */
    private static final class Dead {
        private final long sinceNs;
        private boolean isBusy;
        private int failures;
        private long notBeforeNs;

        Dead(long sinceNs) {
            this.sinceNs = sinceNs;
            this.notBeforeNs = sinceNs;
        }
    }

    public WalSealer(
            Config config,
            WalCatalog catalog,
            WalOwners owners,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services) {
        this.config = config;
        this.catalog = catalog;
        this.owners = owners;
        this.store = store;
        this.registry = registry;
        this.format = format;
        this.services = services;
        this.tasks = new SerialTasks(services.executor());
        this.backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        this.sealTime = Timer.builder("freshet.wal.s3.takeover.seal")
                .description("From the first sight of a fenced broker's open WAL to its seal by this process")
                .register(services.meters());
        this.failedTries = services.meters().counter("freshet.wal.s3.takeover.failures");
        Gauge.builder("freshet.wal.s3.takeover.unsealed", this, sealer -> sealer.unsealed)
                .description("Open WALs of brokers that are fenced or gone")
                .register(services.meters());
        this.timer = services.scheduler().scheduleRepeatedly(config.periodMs(), this::look);
    }

    /** Looks at the metadata now: call it when a broker was fenced. Any thread; does not block. */
    public void look() {
        if (!isClosed) {
            tasks.execute(this::lookNow);
        }
    }

    private void lookNow() {
        if (isClosed) {
            return;
        }
        long nowNs = services.clock().nanoTime();
        List<Integer> alive = owners.alive();
        Set<WalKey> open = new HashSet<>();
        for (WalState wal : catalog.wals()) {
            if (wal.isSealed()) {
                continue;
            }
            WalKey key = WalKey.of(wal);
            Standing standing = owners.standing(wal.brokerId(), wal.brokerEpoch());
            if (standing == Standing.ALIVE) {
                seenAlive.add(key);
            } else {
                open.add(key);
                consider(wal, key, standing, alive, nowNs);
            }
        }
        dead.entrySet().removeIf(entry -> !open.contains(entry.getKey()) && !entry.getValue().isBusy);
        seenAlive.removeIf(
                key -> !open.contains(key) && owners.standing(key.brokerId(), key.brokerEpoch()) != Standing.ALIVE);
        unsealed = open.size();
    }

    private void consider(WalState wal, WalKey key, Standing standing, List<Integer> alive, long nowNs) {
        Dead known = dead.computeIfAbsent(key, unseen -> new Dead(nowNs));
        int turn = turn(key, alive);
        if (known.isBusy || turn < 0 || nowNs - known.notBeforeNs < 0) {
            return;
        }
        long delayMs = turn * config.turnMs() + graceMs(key, standing);
        if (nowNs - known.sinceNs >= TimeUnit.MILLISECONDS.toNanos(delayMs)) {
            seal(wal, key, known);
        }
    }

    /** This broker's place in the row of those that end the WAL; −1 if it is none of them. */
    private int turn(WalKey key, List<Integer> alive) {
        int place = alive.indexOf(config.brokerId());
        if (place < 0 || key.brokerId() == config.brokerId()) {
            return -1;
        }
        long first = Math.floorMod(31L * key.brokerId() + key.brokerEpoch(), (long) alive.size());
        return (int) Math.floorMod(place - first, (long) alive.size());
    }

    private long graceMs(WalKey key, Standing standing) {
        boolean isLapsed = switch (standing) {
            case GONE -> true;
            case FENCED -> seenAlive.contains(key);
            case REPLACED_FENCED ->
                seenAlive.stream()
                        .anyMatch(seen -> seen.brokerId() == key.brokerId() && seen.brokerEpoch() > key.brokerEpoch());
            case ALIVE, REPLACED_ALIVE -> false;
        };
        return isLapsed ? 0 : config.startGraceMs();
    }

    private void seal(WalState wal, WalKey key, Dead known) {
        known.isBusy = true;
        LOG.info("Ending {}: its owner is fenced or gone", key);
        S3WalRecovery recovery =
                new S3WalRecovery(config.brokerId(), READ_AHEAD_SLOTS, store, registry, format, services);
        Backoff.start(() -> recovery.seal(wal))
                .whenComplete((done, error) -> tasks.execute(() -> ended(key, known, error)));
    }

    private void ended(WalKey key, Dead known, @Nullable Throwable error) {
        known.isBusy = false;
        long nowNs = services.clock().nanoTime();
        if (error == null) {
            sealTime.record(nowNs - known.sinceNs, TimeUnit.NANOSECONDS);
            dead.remove(key);
            return;
        }
        known.failures++;
        failedTries.increment();
        long pauseNs = TimeUnit.MILLISECONDS.toNanos(backoff.delayMs(known.failures));
        known.notBeforeNs = nowNs + pauseNs;
        LOG.error(
                "{} could not be ended, {} ms after its owner was seen dead; its partitions wait, it is tried again: {}",
                key,
                TimeUnit.NANOSECONDS.toMillis(nowNs - known.sinceNs),
                FreshetException.of(error).getMessage());
    }

    @Override
    public void close() {
        isClosed = true;
        timer.cancel();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.state.ManifestStore;
import io.freshet.storage.StreamStorage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A broker id with its volume, and the processes that run, ran, or still believe to run under it. */
final class SimBroker {
    private final World world;
    private final int id;
    private final SimDisk disk;
    private final SimRandom random;
    private final List<Incarnation> zombies = new ArrayList<>();
    private ManifestStore tables;
    private @Nullable Incarnation current;
    private int starts;

    SimBroker(World world, int id, int walBytes) {
        this.world = world;
        this.id = id;
        this.disk = new SimDisk(world, walBytes);
        this.random = world.random.fork();
        this.tables = world.states.lend();
    }

    int id() {
        return id;
    }

    SimDisk disk() {
        return disk;
    }

    /** The process that runs, dead or alive; null while there is none. */
    @Nullable
    Incarnation current() {
        return current;
    }

    /** Where clients that look for this broker may end up: the newest process, sometimes an older one. */
    @Nullable
    Incarnation anyProcess() {
        if (!zombies.isEmpty() && random.chance(0.5)) {
            return zombies.get(random.below(zombies.size()));
        }
        return current;
    }

    void start() {
        SimProcess process = world.newProcess("broker-" + id + "." + starts++);
        Incarnation started = new Incarnation(world, this, process, tables);
        current = started;
        started.start();
    }

    /** Starts again, unless a process is there. */
    void startIfDown() {
        Incarnation running = current;
        if (running == null || running.process().isDead()) {
            start();
        }
    }

    void crash() {
        Incarnation running = current;
        if (running == null) {
            return;
        }
        running.die();
        current = null;
        if (random.chance(0.5)) {
            disk.losePower();
        }
        world.process.after(random.between(50, 4_000), "restart", this::startIfDown);
    }

    void stopCleanly() {
        Incarnation running = current;
        if (running != null && running.isServing() && !running.process().isPaused()) {
            world.counts.add("clean restart");
            if (random.chance(0.5)) {
                running.closeStorage();
                crash();
            } else {
                running.uploadRest().whenComplete((nothing, error) -> stop(running));
            }
        }
    }

    /** Everything is uploaded: the lanes are stopped, then the process ends and starts anew. */
    private void stop(Incarnation stopping) {
        if (stopping != current || world.swarm.isHealed()) {
            return;
        }
        stopping.closeStorage();
        stopping.process().after(1_500, "exit", () -> {
            if (stopping == current) {
                crash();
            }
        });
    }

    /** Stops for good. */
    void close() {
        Incarnation running = current;
        if (running != null) {
            running.closeStorage();
        }
    }

    /** The process stands still; a new one takes its place and its volume; the old one goes on later. */
    void replaceByZombie() {
        Incarnation old = current;
        if (old == null || !old.isServing() || old.process().isPaused()) {
            return;
        }
        world.counts.add("paused, replaced, and back as a zombie");
        old.process().pause();
        zombies.add(old);
        tables = world.states.lend();
        current = null;
        world.process.after(random.between(10, 2_000), "replacement", this::startIfDown);
        world.process.after(
                random.between(100, 8_000), "zombie", () -> old.process().resume());
        world.process.after(16_000, "end of zombie", () -> bury(old));
    }

    void pause() {
        Incarnation running = current;
        if (running != null && running.isServing() && !running.process().isPaused()) {
            world.counts.add("paused");
            running.process().pause();
            world.process.after(
                    random.between(50, 5_000), "resume", () -> running.process().resume());
        }
    }

    /** The process found out that it must not go on. */
    void left(Incarnation incarnation) {
        if (incarnation == current) {
            crash();
        } else {
            bury(incarnation);
        }
    }

    private void bury(Incarnation old) {
        old.die();
        zombies.remove(old);
    }

    boolean isServing() {
        Incarnation running = current;
        return running != null && running.isServing();
    }

    boolean servesAllItOwns() {
        Incarnation running = current;
        return running != null && running.servesAllItOwns();
    }

    /** Has everything uploaded that this broker holds. */
    void upload(List<CompletableFuture<Void>> uploads) {
        Incarnation running = current;
        StreamStorage storage = running == null ? null : running.storage();
        if (storage != null) {
            uploads.add(storage.uploadNow());
        }
    }

    void buryAll() {
        new ArrayList<>(zombies).forEach(this::bury);
    }

    @Override
    public String toString() {
        return "broker " + id;
    }
}

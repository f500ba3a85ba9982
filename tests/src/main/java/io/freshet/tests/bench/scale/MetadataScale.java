// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.scale;

import io.freshet.common.stream.SegmentReplacement;
import io.freshet.tests.bench.scale.ScaleUploads.Upload;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongPredicate;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Fills a voter with topics and objects through the commands that brokers use, and measures it. One process is one phase
 * and ends as kill −9 would, so that the next starts as after a crash. Prints lines of {@code RESULT name value}. Started by
 * {@code tests/bench/metadata-scale.sh}.
 */
public final class MetadataScale {
    private static final int FILL_IN_FLIGHT = 6;
    private static final int UPLOADS_PER_SECOND = 20;
    private static final int BUSY_CLIENTS = 4;
    private static final double MIB = 1 << 20;

    private MetadataScale() {}

    /** Arguments: phase (topics, objects, measure, restart), directory, partitions, objects, seconds of each timed load. */
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[1]);
        int partitions = Integer.parseInt(args[2]);
        long objects = Long.parseLong(args[3]);
        int seconds = Integer.parseInt(args[4]);
        switch (args[0]) {
            case "topics" -> topics(directory, partitions);
            case "objects" -> objects(directory, objects, seconds);
            case "measure" -> measure(directory, seconds);
            case "restart" -> restart(directory);
            default -> throw new IllegalArgumentException("Unknown phase " + args[0]);
        }
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static void result(String name, double value) {
        System.out.printf(Locale.ROOT, "RESULT %s %.2f%n", name, value);
    }

    private static double secondsSince(long beganNs) {
        return (System.nanoTime() - beganNs) / 1e9;
    }

    private static void topics(Path directory, int partitions) {
        ScaleVoter.format(directory);
        ScaleVoter voter = ScaleVoter.start(directory);
        ScaleBrokers brokers = ScaleBrokers.register(voter);
        long beganNs = System.nanoTime();
        brokers.createTopics(partitions);
        result("fill.topics.s", secondsSince(beganNs));
        result("heap.topics.MiB", ScaleVoter.heapAfterGcBytes() / MIB);
    }

    /** A part of the objects, in at most {@code seconds}; the last phase that has to do some prints the sum. */
    private static void objects(Path directory, long objects, int seconds) throws Exception {
        ScaleVoter voter = ScaleVoter.start(directory);
        ScaleBrokers brokers = ScaleBrokers.adopt(voter);
        ScaleUploads uploads = new ScaleUploads(voter, brokers, System.nanoTime());
        long beganNs = System.nanoTime();
        Filling filling = new Filling(uploads);
        long had = voter.objectCount();
        // One object in a thousand is a young upload with a segment of each of 1,000 streams, the others are of one
        // stream each.
        long compacted = objects - objects / 1000;
        LongPredicate goesOn = done -> done < compacted - had && secondsSince(beganNs) < seconds;
        long made = filling.compacted(goesOn);
        boolean isCompacted = had + made >= compacted;
        if (isCompacted) {
            long young = Math.min(objects / 1000, objects - had - made);
            made += filling.uploads(done -> done < young && secondsSince(beganNs) < seconds * 1.2);
        }
        result("fill.objects.s", secondsSince(beganNs));
        result("fill.snapshots", voter.counted("freshet.metadata.snapshots"));
        System.out.println("OBJECTS " + (had + made) + (had + made >= objects ? " complete" : " more"));
        disk(voter);
    }

    /** Keeps a few commands under way. */
    private static final class Filling {
        private final ScaleUploads uploads;
        private final Semaphore permits = new Semaphore(FILL_IN_FLIGHT);
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Filling(ScaleUploads uploads) {
            this.uploads = uploads;
        }

        /** Uploads the same streams twice and compacts them into one object for each stream; returns the number of objects. */
        long compacted(LongPredicate goesOn) throws Exception {
            long made = 0;
            while (goesOn.test(made)) {
                Upload first = uploads.nextUpload();
                Upload second = uploads.again(first);
                SegmentReplacement compaction = uploads.compaction(first, second);
                made += first.segments().size();
                start(uploads.commit(first)
                        .thenCombine(uploads.commit(second), (one, other) -> one)
                        .thenCompose(done -> uploads.compact(compaction, first, second)));
            }
            finish();
            return made;
        }

        long uploads(LongPredicate goesOn) throws Exception {
            long made = 0;
            for (; goesOn.test(made); made++) {
                start(uploads.commit(uploads.nextUpload()));
            }
            finish();
            return made;
        }

        private void start(CompletableFuture<?> command) throws Exception {
            command.whenComplete((done, error) -> {
                if (error != null) {
                    failure.compareAndSet(null, error);
                }
                permits.release();
            });
            permits.acquire();
            Throwable failed = failure.get();
            if (failed != null) {
                throw new IllegalStateException("Filling failed", failed);
            }
        }

        private void finish() throws Exception {
            permits.acquire(FILL_IN_FLIGHT - 1);
            permits.release(FILL_IN_FLIGHT - 1);
        }
    }

    private static void measure(Path directory, int seconds) throws Exception {
        result("load.average", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        syncs(directory, seconds / 3);
        ScaleVoter voter = ScaleVoter.start(directory);
        ScaleBrokers brokers = ScaleBrokers.adopt(voter);
        ScaleUploads uploads = new ScaleUploads(voter, brokers, System.nanoTime());
        PacedCommits paced = new PacedCommits(uploads, UPLOADS_PER_SECOND);
        double busy = busy(uploads, Math.max(5, seconds));
        paced.run("settling", () -> false, 5);
        print("calm", paced.run("calm", () -> false, seconds));
        long beganNs = System.nanoTime();
        CompletableFuture<Boolean> snapshot = voter.node.snapshotNow();
        DoubleAdder took = new DoubleAdder();
        snapshot.whenComplete((done, error) -> took.add(secondsSince(beganNs)));
        PacedCommits.Latencies during = paced.run("snapshot", snapshot::isDone, 600);
        System.out.println("snapshot written: " + snapshot.get());
        result("snapshot.s", took.sum());
        print("snapshot", during);
        result("snapshot.longest.ms", during.longestMs());
        result("snapshot.gap.ms", during.longestGapMs());
        result("busy.commits.per.s", busy);
        result("heap.after.gc.MiB", ScaleVoter.heapAfterGcBytes() / MIB);
        result("heap.committed.MiB", ScaleVoter.committedHeapBytes() / MIB);
        result("resident.MiB", ScaleVoter.residentBytes() / MIB);
        result("rocksdb.memory.MiB", voter.gauged("freshet.metadata.store.memory.bytes") / MIB);
        disk(voter);
        failover(voter, brokers);
    }

    /** The disk alone: as many bytes as a commit writes, flushed at the same pace. */
    private static void syncs(Path directory, int seconds) throws IOException {
        Path file = directory.resolve("sync.tmp");
        Histogram us = new Histogram(3);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < seconds * UPLOADS_PER_SECOND; i++) {
                long beganNs = System.nanoTime();
                channel.write(ByteBuffer.allocate(ScaleUploads.SEGMENTS * 48));
                channel.force(false);
                us.recordValue((System.nanoTime() - beganNs) / 1000);
                LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1) / UPLOADS_PER_SECOND);
            }
        }
        Files.delete(file);
        result("disk.flush.p50.ms", us.getValueAtPercentile(50) / 1e3);
        result("disk.flush.p99.ms", us.getValueAtPercentile(99) / 1e3);
    }

    private static void print(String load, PacedCommits.Latencies latencies) {
        result(load + ".p50.ms", latencies.percentileMs(50));
        result(load + ".p99.ms", latencies.percentileMs(99));
        result(load + ".commits", latencies.count());
    }

    private static void disk(ScaleVoter voter) throws IOException {
        result("disk.rocksdb.MiB", voter.diskBytes("manifests") / MIB);
        result("disk.log.MiB", voter.diskBytes("__cluster_metadata-0") / MIB);
    }

    /** Commits a second with a few clients that send one after the other. */
    private static double busy(ScaleUploads uploads, int seconds) throws Exception {
        Semaphore permits = new Semaphore(BUSY_CLIENTS);
        long beganNs = System.nanoTime();
        int count = 0;
        while (secondsSince(beganNs) < seconds) {
            permits.acquire();
            uploads.commit(uploads.nextUpload()).whenComplete((done, error) -> permits.release());
            count++;
        }
        permits.acquire(BUSY_CLIENTS);
        return count / secondsSince(beganNs);
    }

    /** One broker falls silent: from the fence until others lead all that it led. */
    private static void failover(ScaleVoter voter, ScaleBrokers brokers) throws Exception {
        int dead = ScaleBrokers.BROKERS;
        int led = brokers.ledStreams(0).get(dead).size();
        AtomicLong fencedNs = new AtomicLong();
        CompletableFuture<Double> moved = new CompletableFuture<>();
        voter.node.addListener((delta, image) -> {
            if (fencedNs.get() == 0
                    && java.util.Objects.requireNonNull(image.cluster().broker(dead))
                            .fenced()) {
                fencedNs.set(System.nanoTime());
            }
            if (fencedNs.get() != 0
                    && delta.topicsDelta() != null
                    && image.topics().topicsById().values().stream()
                            .noneMatch(topic -> topic.partitions().values().stream()
                                    .anyMatch(partition -> partition.leader == dead))) {
                moved.complete(secondsSince(fencedNs.get()));
            }
        });
        brokers.silence(dead);
        result("failover.s", moved.get(60, TimeUnit.SECONDS));
        result("failover.partitions", led);
    }

    private static void restart(Path directory) throws Exception {
        ScaleVoter voter = ScaleVoter.start(directory);
        long tookMs = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        result("restart.s", tookMs / 1e3);
        ScaleBrokers brokers = ScaleBrokers.adopt(voter);
        ScaleUploads uploads = new ScaleUploads(voter, brokers, System.nanoTime());
        ScaleVoter.get(uploads.commit(uploads.nextUpload()));
        result("restart.heap.after.gc.MiB", ScaleVoter.heapAfterGcBytes() / MIB);
        result("objects", voter.objectCount());
        result("partitions", brokers.ledStreams(0).stream().mapToInt(List::size).sum());
        disk(voter);
        System.out.println(
                "load average " + Files.readString(Path.of("/proc/loadavg")).strip());
    }
}

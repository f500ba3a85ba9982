// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.wal.s3.SimBucket.Fate;
import io.freshet.wal.s3.SimCluster.Owner;
import io.freshet.wal.s3.SimCluster.Seen;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Owners one after the other, paused, resumed, killed and replaced at random moments, over a network that delays, loses and repeats.
 * After each recovery and at the end: what was ever acknowledged is there once, in order, at its offset; what was not may be there
 * once, and never in place of something acknowledged.
 */
class S3WalModelTest {
    private static final long FIRST_SEED = Long.getLong("freshet.seed", 20_000);
    private static final int SEEDS = Integer.getInteger("freshet.seeds", 300);

    @Test
    void nothingAcknowledgedIsLostAndNothingElseTakesItsPlace() {
        int acknowledged = 0;
        int zombieAcks = 0;
        int recoveries = 0;
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            Run run = new Run(seed);
            try {
                run.run();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "Seed " + seed + ": run with -Dfreshet.seed=" + seed + " -Dfreshet.seeds=1", e);
            }
            acknowledged += run.acknowledged.size();
            zombieAcks += run.zombieAcks;
            recoveries += run.owners.size();
        }
        // the runs must have had something to lose, and zombies that were right to acknowledge
        assertThat(acknowledged).isGreaterThan(20 * SEEDS);
        assertThat(recoveries).isGreaterThan(3 * SEEDS);
        assertThat(zombieAcks).isGreaterThan(SEEDS / 20);
    }

    private record At(long streamId, long offset) {}

    private static final class Writer {
        final Owner owner;
        final Map<Long, Long> nextOffsets = new HashMap<>();
        final List<SimEntry> appended = new ArrayList<>();
        boolean isReady;
        boolean isPaused;

        Writer(Owner owner) {
            this.owner = owner;
        }
    }

    private static final class Run {
        final SimCluster cluster;
        final Random random;
        final List<Writer> owners = new ArrayList<>();
        /** What uploads have committed: no WAL need hold it. */
        final TreeMap<Long, List<String>> committed = new TreeMap<>();

        final Map<At, String> acknowledged = new HashMap<>();
        final Set<String> texts = new HashSet<>();
        final int fenceRetentionMs;
        int zombieAcks;
        int nextText;

        Run(long seed) {
            cluster = new SimCluster(seed);
            random = new Random(seed);
            fenceRetentionMs = random.nextInt(3) == 0 ? 8_000 : 600_000;
            cluster.settings = this::settings;
            double loss = random.nextDouble() * 0.2;
            cluster.bucket.network = (op, key) -> fate(loss);
            cluster.quorum.network = (op, key) -> fate(loss / 2);
        }

        S3WalConfig settings(S3WalConfig c) {
            return new S3WalConfig(
                    c.brokerId(),
                    c.brokerEpoch(),
                    new S3WalConfig.Batching(4096, 1, 1 + random.nextInt(50), 1 + random.nextInt(100), 50, 20),
                    new S3WalConfig.Flight(1 + random.nextInt(6), 1 << 20, 20, 1 << 20, 1 + random.nextInt(4), 30_000),
                    c.capacityBytes(),
                    fenceRetentionMs);
        }

        Fate fate(double loss) {
            long effectMs = random.nextInt(10) == 0 ? random.nextInt(3_000) : random.nextInt(40);
            long answerMs = random.nextInt(20) == 0 ? random.nextInt(3_000) : random.nextInt(40);
            long againMs = random.nextInt(20) == 0 ? random.nextInt(5_000) : -1;
            double drawn = random.nextDouble();
            return drawn < loss / 2
                    ? new Fate(-1, answerMs, false, -1)
                    : new Fate(effectMs, answerMs, drawn >= loss, againMs);
        }

        void run() {
            succeed();
            int steps = 60 + random.nextInt(120);
            for (int i = 0; i < steps; i++) {
                step();
                cluster.runtime.advance(random.nextInt(120));
            }
            cluster.bucket.network = (op, key) -> Fate.after(5, 5);
            cluster.quorum.network = (op, key) -> Fate.after(5, 5);
            owners.forEach(writer -> {
                if (writer.isPaused) {
                    writer.owner.host.resume();
                }
            });
            cluster.runtime.advance(60_000);
            owners.forEach(writer -> writer.owner.kill());
            Writer last = succeed();
            cluster.runtime.await(last.owner.opening);
            ready(last);
            assertThat(cluster.bucket.changedBuffers).isZero();
        }

        private void step() {
            Writer current = owners.get(owners.size() - 1);
            ready(current);
            int choice = random.nextInt(100);
            if (choice < 3) {
                current.owner.kill();
                succeed();
            } else if (choice < 6) {
                current.owner.host.pause();
                current.isPaused = true;
                succeed();
            } else if (choice < 10) {
                Writer any = owners.get(random.nextInt(owners.size()));
                if (any.isPaused) {
                    any.isPaused = false;
                    any.owner.host.resume();
                }
            } else if (choice < 16 && current.isReady) {
                commitAndTrim(current);
            } else if (choice < 22) {
                appendTo(owners.get(random.nextInt(owners.size())));
            } else if (current.isReady) {
                int count = 1 + random.nextInt(4);
                for (int i = 0; i < count; i++) {
                    appendTo(current);
                }
            }
        }

        private Writer succeed() {
            Writer writer = new Writer(cluster.start());
            if (random.nextInt(3) == 0) {
                writer.owner.host.wallSkewMs = random.nextInt(2_000_000) - 1_000_000L;
            }
            owners.add(writer);
            return writer;
        }

        /** Once its WAL is open: checks what it recovered and takes up the streams where they end. */
        private void ready(Writer writer) {
            if (writer.isReady || !writer.owner.opening.isDone()) {
                return;
            }
            writer.owner.opening.join();
            writer.isReady = true;
            Map<Long, List<String>> logs = new TreeMap<>();
            committed.forEach((stream, log) -> logs.put(stream, new ArrayList<>(log)));
            for (Seen seen : writer.owner.recovered) {
                List<String> log = logs.computeIfAbsent(seen.streamId(), s -> new ArrayList<>());
                if (seen.offset() < log.size()) {
                    assertThat(log.get((int) seen.offset()))
                            .as("offset is twice")
                            .isEqualTo(seen.text());
                    assertThat(committed
                                    .getOrDefault(seen.streamId(), List.of())
                                    .size())
                            .as("recovered twice: %s", seen)
                            .isGreaterThan((int) seen.offset());
                } else {
                    assertThat(seen.offset()).as("gap before %s", seen).isEqualTo(log.size());
                    log.add(seen.text());
                }
            }
            acknowledged.forEach((at, text) -> {
                List<String> log = logs.getOrDefault(at.streamId(), List.of());
                assertThat(log.size()).as("lost %s at %s", text, at).isGreaterThan((int) at.offset());
                assertThat(log.get((int) at.offset())).as("at %s", at).isEqualTo(text);
            });
            logs.forEach((stream, log) -> {
                assertThat(log).doesNotHaveDuplicates();
                writer.nextOffsets.put(stream, (long) log.size());
            });
        }

        private void appendTo(Writer writer) {
            if (!writer.isReady || writer.isPaused || writer.owner.host.isDead()) {
                return;
            }
            long stream = random.nextInt(3);
            long offset = writer.nextOffsets.merge(stream, 1L, Long::sum) - 1;
            SimEntry entry = new SimEntry(stream, (int) writer.owner.epoch, offset, "t" + nextText++);
            entry.onDurable = this::durable;
            writer.appended.add(entry);
            writer.owner.wal().append(entry);
        }

        private void durable(SimEntry entry) {
            String former = acknowledged.put(new At(entry.streamId, entry.offset), entry.text);
            assertThat(former)
                    .as("two records acknowledged at stream %s, offset %s", entry.streamId, entry.offset)
                    .isNull();
            assertThat(texts.add(entry.text)).isTrue();
            if (entry.leaderEpoch != owners.get(owners.size() - 1).owner.epoch) {
                zombieAcks++;
            }
        }

        /** As an upload does: the quorum takes the records of the newest registration, then the WAL is trimmed. */
        private void commitAndTrim(Writer writer) {
            S3Wal wal = writer.owner.wal();
            if (wal.endLsn() == wal.startLsn() || writer.owner.host.isDead()) {
                return;
            }
            long lsn = wal.startLsn() + 1 + random.nextLong(wal.endLsn() - wal.startLsn());
            for (Seen seen : writer.owner.recovered) {
                if (seen.lsn() < lsn) {
                    commit(seen.streamId(), seen.offset(), seen.text());
                }
            }
            for (SimEntry entry : writer.appended) {
                if (entry.isDurable() && entry.lsn.join() < lsn) {
                    commit(entry.streamId, entry.offset, entry.text);
                }
            }
            wal.trim(lsn);
        }

        private void commit(long stream, long offset, String text) {
            List<String> log = committed.computeIfAbsent(stream, s -> new ArrayList<>());
            if (offset == log.size()) {
                log.add(text);
            } else {
                assertThat(offset).isLessThan(log.size());
                assertThat(log.get((int) offset)).isEqualTo(text);
            }
        }
    }
}

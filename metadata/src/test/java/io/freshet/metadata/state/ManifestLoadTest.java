// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Pages of a manifest that were read at different offsets of the log, while the log goes on. */
class ManifestLoadTest {
    private static final long STREAM = 7;
    private static final long SEED = Long.getLong("freshet.seed", 20261121);

    @Test
    void pagesAndChangesInAnyOrderBecomeTheManifest() {
        for (long seed = SEED; seed < SEED + 3_000; seed++) {
            Random random = new Random(seed);
            Log log = new Log(random);
            log.goOn(random.nextInt(40));
            ManifestLoad load = new ManifestLoad(STREAM, log.applied);
            while (!load.hasAllPages()) {
                int ahead = random.nextInt(6); // the leader has more than this node, or answered long ago
                log.tell(load, random.nextInt(8));
                long offset = Math.max(load.sinceOffset(), log.applied - 4 + ahead);
                log.goOn((int) Math.max(0, offset - log.newest()));
                log.page(load, offset, 1 + random.nextInt(4));
            }
            log.goOn((int) Math.max(0, load.readableAt() - log.newest()));
            log.tell(load, (int) (log.newest() - log.applied));
            assertThat(load.finish()).as("seed %d", seed).containsExactlyElementsOf(log.manifest(log.applied));
        }
    }

    @Test
    void refusesPagesThatCannotBeRight() {
        ManifestLoad load = new ManifestLoad(STREAM, 10);
        StreamSegment segment = new StreamSegment(STREAM, 5, 6, 1, 1, 1, 1);
        assertThatThrownBy(() -> load.addPage(List.of(segment), 9, true)).isInstanceOf(FreshetException.class);
        assertThatThrownBy(() -> load.addPage(List.of(), 10, false)).isInstanceOf(FreshetException.class);
        assertThatThrownBy(() -> load.addPage(List.of(new StreamSegment(8, 5, 6, 1, 1, 1, 1)), 10, true))
                .isInstanceOf(FreshetException.class);
        assertThatThrownBy(load::finish).isInstanceOf(FreshetException.class);
        ManifestLoad other = new ManifestLoad(STREAM, 10);
        other.addPage(List.of(segment), 10, true);
        assertThatThrownBy(() -> other.addPage(List.of(), 11, true)).isInstanceOf(FreshetException.class);
        assertThat(other.finish()).containsExactly(segment);
    }

    @Test
    void aChangeThatThePageHoldsAlreadyIsDropped() {
        ManifestLoad load = new ManifestLoad(STREAM, 10);
        StreamSegment first = new StreamSegment(STREAM, 0, 5, 1, 1, 1, 1);
        StreamSegment merged = new StreamSegment(STREAM, 0, 9, 3, 1, 1, 1);
        load.addPage(List.of(merged), 13, true);
        load.inserted(11, first);
        load.removed(12, 0, 1);
        load.inserted(13, merged);
        assertThat(load.finish()).containsExactly(merged);
    }

    /** A log of one stream: appends, replacements, trims; what the manifest is after each of its offsets. */
    private static final class Log {
        private final Random random;
        private final List<TreeMap<Long, StreamSegment>> states = new ArrayList<>(List.of(new TreeMap<>()));
        private final List<java.util.function.Consumer<ManifestLoad>> changes = new ArrayList<>();
        private long end;
        private long nextObject = 1;
        private long applied;

        Log(Random random) {
            this.random = random;
            changes.add(load -> {});
        }

        long newest() {
            return states.size() - 1L;
        }

        void goOn(int count) {
            for (int i = 0; i < count; i++) {
                step();
            }
        }

        private void step() {
            TreeMap<Long, StreamSegment> now = new TreeMap<>(states.get(states.size() - 1));
            long offset = states.size();
            int choice = random.nextInt(10);
            if (now.isEmpty() || choice < 6) {
                StreamSegment added = segment(end, end + 1 + random.nextInt(9));
                end = added.endOffset();
                now.put(added.startOffset(), added);
                changes.add(load -> load.inserted(offset, added));
            } else if (choice < 9) {
                replace(now, offset);
            } else {
                long newStart = now.firstKey() + random.nextInt((int) (end - now.firstKey()) + 1);
                now.values().removeIf(segment -> segment.endOffset() <= newStart);
                changes.add(load -> load.trimmed(offset, newStart));
            }
            states.add(now);
        }

        private void replace(TreeMap<Long, StreamSegment> now, long offset) {
            List<StreamSegment> all = List.copyOf(now.values());
            int from = random.nextInt(all.size());
            List<StreamSegment> run = all.subList(from, from + 1 + random.nextInt(all.size() - from));
            List<StreamSegment> inserted = new ArrayList<>();
            long runEnd = run.get(run.size() - 1).endOffset();
            for (long start = run.get(0).startOffset(); start < runEnd; ) {
                StreamSegment next = segment(start, Math.min(runEnd, start + 1 + random.nextInt(30)));
                inserted.add(next);
                start = next.endOffset();
            }
            run.forEach(segment -> now.remove(segment.startOffset()));
            inserted.forEach(segment -> now.put(segment.startOffset(), segment));
            changes.add(load -> {
                run.forEach(segment -> load.removed(offset, segment.startOffset(), segment.objectId()));
                inserted.forEach(segment -> load.inserted(offset, segment));
            });
        }

        private StreamSegment segment(long start, long segmentEnd) {
            return new StreamSegment(STREAM, start, segmentEnd, nextObject++, 1, 2, 3);
        }

        /** This node applies so many more. */
        void tell(ManifestLoad load, int count) {
            goOn((int) Math.max(0, applied + count - newest()));
            for (int i = 0; i < count; i++) {
                applied++;
                changes.get((int) applied).accept(load);
            }
        }

        void page(ManifestLoad load, long offset, int limit) {
            List<StreamSegment> rest = List.copyOf(
                    states.get((int) offset).tailMap(load.nextStart(), true).values());
            boolean isLast = rest.size() <= limit;
            load.addPage(isLast ? rest : rest.subList(0, limit), offset, isLast);
        }

        List<StreamSegment> manifest(long offset) {
            return List.copyOf(states.get((int) offset).values());
        }
    }
}

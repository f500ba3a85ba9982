// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.inspect.Finding.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class ManifestCheckTest {
    private static StreamSegment segment(long start, long end) {
        return new StreamSegment(4, start, end, 1000 + start, 10, 5, 6);
    }

    private static List<Finding> check(long start, long end, StreamSegment... segments) {
        ManifestCheck check = new ManifestCheck(4, start, end);
        for (StreamSegment segment : segments) {
            check.add(segment);
        }
        return check.finish();
    }

    @Test
    void contiguousSegmentsAreClean() {
        assertThat(check(0, 30, segment(0, 10), segment(10, 30))).isEmpty();
        assertThat(check(5, 30, segment(0, 10), segment(10, 30))).isEmpty();
        assertThat(check(7, 7)).isEmpty();
    }

    @Test
    void gapsAreFoundAtBothEndsAndBetween() {
        List<Finding> found = check(0, 40, segment(5, 10), segment(20, 30));
        assertThat(found).extracting(Finding::kind).containsExactly(Kind.GAP, Kind.GAP, Kind.GAP);
        assertThat(found).extracting(Finding::startOffset).containsExactly(0L, 10L, 30L);
        assertThat(found).extracting(Finding::endOffset).containsExactly(5L, 20L, 40L);
    }

    @Test
    void overlapsAreFoundWithTheirRange() {
        List<Finding> found = check(0, 30, segment(0, 20), segment(10, 30));
        assertThat(found).hasSize(1);
        assertThat(found.get(0).kind()).isEqualTo(Kind.OVERLAP);
        assertThat(found.get(0).startOffset()).isEqualTo(10);
        assertThat(found.get(0).endOffset()).isEqualTo(20);
        assertThat(found.get(0).objectId()).isEqualTo(1010);
    }

    @Test
    void segmentsBehindTheCommittedEndAreContradictions() {
        assertThat(check(0, 15, segment(0, 10), segment(10, 30)))
                .extracting(Finding::kind)
                .containsExactly(Kind.CONTRADICTION);
    }

    @Test
    void manifestAndTrailersAreCompared() {
        SegmentCheckpoint none = new SegmentCheckpoint(30, List.of(), new byte[0], List.of());
        StreamSegment held = new StreamSegment(4, 10, 30, 8, 500, 5, 6);
        SegmentDigest digest = SegmentDigest.of(List.of(new SegmentTrailer(held, 0, 1, none)));
        assertThat(digest.contradiction(held)).isEmpty();
        assertThat(digest.contradiction(new StreamSegment(4, 10, 20, 8, 250, 5, 6)))
                .isEmpty();
        assertThat(digest.contradiction(new StreamSegment(4, 10, 30, 8, 499, 5, 6)))
                .isPresent();
        assertThat(digest.contradiction(new StreamSegment(4, 10, 31, 8, 500, 5, 6)))
                .isPresent();
        assertThat(digest.contradiction(new StreamSegment(4, 5, 30, 8, 500, 5, 6)))
                .isPresent();
        assertThat(digest.contradiction(new StreamSegment(5, 10, 30, 8, 500, 5, 6)))
                .isPresent();
    }
}

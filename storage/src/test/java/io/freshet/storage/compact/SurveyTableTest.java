// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SurveyTableTest {
    private static final int OBJECTS = 100_000;

    @TempDir
    Path folder;

    @Test
    void holdsWhatWasSeenAndLeavesNoFile() throws IOException {
        SurveyTable table = new SurveyTable(new ScratchFile(folder.resolve("made")));
        for (int round = 0; round < 2; round++) {
            fill(table, new Random(round));
        }

        try (Stream<Path> left = Files.list(folder.resolve("made"))) {
            assertThat(left).isEmpty();
        }
    }

    /** Every third object is named by no manifest. */
    private static void fill(SurveyTable table, Random random) {
        table.clear();
        List<ObjectShare> expected = new ArrayList<>();
        long id = 0;
        long sizeBytes = 0;
        for (int i = 0; i < OBJECTS; i++) {
            id += 1 + random.nextInt(1 << 20);
            ObjectShare share = new ObjectShare(id, random.nextLong(1L << 40), 1 + i % 7, random.nextLong(1L << 35));
            table.append(id, share.sizeBytes(), share.liveSegments());
            int place = table.find(id);
            assertThat(place).isEqualTo(i);
            if (i % 3 > 0) {
                table.addLiveBytes(place, share.liveBytes() / 2);
                table.addLiveBytes(place, share.liveBytes() - share.liveBytes() / 2);
                expected.add(share);
                sizeBytes += share.sizeBytes();
            }
        }
        table.dropUnnamed();

        assertThat(table).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            ObjectShare share = expected.get(i);
            if (!table.get(i).equals(share) || table.find(share.objectId()) != i) {
                assertThat(table.get(i)).isEqualTo(share);
                assertThat(table.find(share.objectId())).isEqualTo(i);
            }
        }
        assertThat(table.find(-1)).isNegative();
        assertThat(table.find(expected.get(10).objectId() + 1)).isNegative();
        assertThat(table.find(Long.MAX_VALUE)).isNegative();
        assertThat(table.sizeBytes()).isEqualTo(sizeBytes);
    }

    @Test
    void aFolderThatCannotBeUsedIsNamed() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        SurveyTable table = new SurveyTable(new ScratchFile(file));

        assertThatThrownBy(() -> table.append(1, 1, 1))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining(file.toString())
                .extracting(error -> ((FreshetException) error).kind())
                .isEqualTo(ErrorKind.UNAVAILABLE);
    }

    @Test
    void whatOthersWroteIsArrivedAndWhatWasWrittenHereIsSpent() {
        WriteBudget budget = new WriteBudget(2);
        List<ObjectShare> first = List.of(share(5, 100), share(9, 50));
        budget.observe(first, List.of());
        assertThat(budget.allows(300)).isTrue();
        assertThat(budget.allows(301)).isFalse();

        budget.spent(12, 150);
        List<ObjectShare> second = List.of(share(7, 10), share(9, 50), share(12, 150));
        budget.observe(second, first);
        assertThat(budget.writeAmplification()).isEqualTo(150.0 / 160);
        budget.observe(second, second);
        assertThat(budget.writeAmplification()).as("nothing is new").isEqualTo(150.0 / 160);
    }

    private static ObjectShare share(long objectId, long liveBytes) {
        return new ObjectShare(objectId, 2 * liveBytes, 1, liveBytes);
    }
}

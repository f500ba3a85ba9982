// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TableChangesTest {
    private static final long SEED = Long.getLong("freshet.test.seed", 20260101L);

    /** Keys of all lengths that tables have, many of them alike, also with a first bit that a signed comparison would misread. */
    private static byte[] key(Random random) {
        long id = random.nextInt(500) - 250L;
        return random.nextBoolean()
                ? ByteBuffer.allocate(8).putLong(id).array()
                : ByteBuffer.allocate(16).putLong(id).putLong(random.nextInt(3)).array();
    }

    @Test
    void isAMapWhetherAnOrderWasAskedForOrNot() throws Exception {
        for (int run = 0; run < 50; run++) {
            Random random = new Random(SEED + run);
            TableChanges changes = new TableChanges();
            TreeMap<byte[], byte[]> model = new TreeMap<>(Arrays::compareUnsigned);
            int orderAt = random.nextInt(3000);
            for (int step = 0; step < 2000; step++) {
                byte[] key = key(random);
                if (random.nextInt(3) == 0) {
                    assertThat(changes.get(key)).as("seed %s", SEED + run).isSameAs(model.get(key));
                } else {
                    byte[] value = {(byte) step};
                    changes.put(key, value);
                    model.put(key, value);
                }
                if (step == orderAt) {
                    assertThat(changes.inOrder()).hasSameSizeAs(model);
                }
            }
            assertThat(visited(changes)).as("seed %s", SEED + run).isEqualTo(entries(model));
            assertThat(entries(changes.inOrder())).as("seed %s", SEED + run).isEqualTo(entries(model));
        }
    }

    private static List<String> visited(TableChanges changes) throws Exception {
        List<String> visited = new ArrayList<>();
        changes.forEachInOrder((key, value) -> visited.add(Arrays.toString(key) + "=" + value[0]));
        return visited;
    }

    private static List<String> entries(Map<byte[], byte[]> map) {
        List<String> entries = new ArrayList<>();
        map.forEach((key, value) -> entries.add(Arrays.toString(key) + "=" + value[0]));
        return entries;
    }
}

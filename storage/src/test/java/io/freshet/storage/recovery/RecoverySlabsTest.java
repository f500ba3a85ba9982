// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RecoverySlabsTest {
    private final RecoverySlabs slabs = new RecoverySlabs();

    @Test
    void copiesKeepTheirBytesOutsideOfTheHeap() {
        Random random = new Random(5);
        List<byte[]> given = new ArrayList<>();
        List<SharedBytes> kept = new ArrayList<>();
        for (int size :
                new int[] {1, 4000, RecoverySlabs.SLAB_BYTES / 4 - 1, 100, RecoverySlabs.SLAB_BYTES + 1, 0, 1 << 20}) {
            for (int i = 0; i < 5; i++) {
                byte[] bytes = new byte[size + 3];
                random.nextBytes(bytes);
                given.add(bytes);
                kept.add(slabs.copy(ByteBuffer.wrap(bytes), 3, size));
            }
        }
        for (int i = 0; i < given.size(); i++) {
            byte[] all = given.get(i);
            ByteBuffer view = kept.get(i).view();
            assertThat(view.isDirect()).isTrue();
            assertThat(view).isEqualTo(ByteBuffer.wrap(all, 3, all.length - 3));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestOwner;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The storage of one broker, everything around it in memory and in virtual time. */
abstract class OneBrokersStorage {
    final StorageFixture fixture = StorageFixture.idle(1);

    TestOwner startWith(int appends) {
        fixture.start();
        TestOwner owner = fixture.create(1);
        append(owner, appends);
        return owner;
    }

    static void append(TestOwner owner, int appends) {
        for (int i = 0; i < appends; i++) {
            owner.append(1 + i % 3, 300);
        }
    }

    static ErrorKind kindOf(CompletableFuture<?> future) {
        assertThat(future).isCompletedExceptionally();
        try {
            future.join();
            throw new AssertionError("completed");
        } catch (RuntimeException e) {
            return FreshetException.of(e).kind();
        }
    }

    void assertReadsEverything(TestOwner owner) {
        List<ByteBuffer> all = owner.expected(owner.log().startOffset(), owner.endOffset());
        for (int maxBytes : new int[] {1, 500, 5000, 1 << 20}) {
            assertThat(fixture.readAll(owner, owner.log().startOffset(), owner.endOffset(), maxBytes))
                    .as("in pieces of %d", maxBytes)
                    .isEqualTo(all);
        }
    }
}

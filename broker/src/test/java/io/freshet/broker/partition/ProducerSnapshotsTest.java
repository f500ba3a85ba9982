// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import static io.freshet.broker.partition.PartitionFixture.append;
import static io.freshet.broker.partition.PartitionFixture.idempotent;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.fake.ScriptedStream;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.Arrays;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.junit.jupiter.api.Test;

class ProducerSnapshotsTest {
    private final PartitionFixture fixture = new PartitionFixture();

    private ProducerStates empty() {
        return new ProducerStates(
                new TopicPartition("t", 0), new ProducerStateManagerConfig(86_400_000, false), fixture.clock);
    }

    private byte[] snapshot() {
        Partition partition = fixture.open(new ScriptedStream(0));
        for (int i = 0; i < 7; i++) {
            append(partition, idempotent(5, 2, i * 3, 3));
        }
        append(partition, idempotent(6, 0, 0, 1));
        // sequence numbers go round
        append(partition, idempotent(9, 0, Integer.MAX_VALUE - 1, 4));
        return partition.checkpoint().producerState();
    }

    @Test
    void whatIsWrittenIsReadBack() {
        byte[] snapshot = snapshot();
        ProducerStates states = empty();
        states.load(snapshot);
        assertThat(states.snapshot(0)).isEqualTo(snapshot);
        assertThat(states.active()).hasSize(3).anySatisfy(producer -> {
            assertThat(producer.producerId()).isEqualTo(5);
            assertThat(producer.batchMetadata()).hasSize(5);
        });
        for (int i = 2; i < 7; i++) {
            assertThat(states.duplicate(
                            idempotent(5, 2, i * 3, 3).batches().iterator().next()))
                    .isPresent();
        }
        assertThat(states.duplicate(idempotent(9, 0, Integer.MAX_VALUE - 1, 4)
                        .batches()
                        .iterator()
                        .next()))
                .isPresent();
        assertThat(states.duplicate(idempotent(5, 2, 3, 3).batches().iterator().next()))
                .isEmpty();
    }

    @Test
    void damagedBytesAreCorruptNeverAnythingElse() {
        byte[] snapshot = snapshot();
        for (int length = 1; length < snapshot.length; length++) {
            byte[] cut = Arrays.copyOf(snapshot, length);
            assertCorrupt(cut);
        }
        byte[] wrongVersion = snapshot.clone();
        wrongVersion[0] = 9;
        assertCorrupt(wrongVersion);
        assertCorrupt(Arrays.copyOf(snapshot, snapshot.length + 1));
        empty().load(new byte[0]);
    }

    private void assertCorrupt(byte[] bytes) {
        assertThatThrownBy(() -> empty().load(bytes))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }
}

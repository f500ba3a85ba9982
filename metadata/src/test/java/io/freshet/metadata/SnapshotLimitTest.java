// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.metadata.record.RowsRecord;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.junit.jupiter.api.Test;

class SnapshotLimitTest {
    @Test
    void aSnapshotThatNobodyCouldReadIsGivenUp() {
        List<ApiMessageAndVersion> written = new ArrayList<>();
        SnapshotWriting.Limit limit = new SnapshotWriting.Limit(1_000, written::add);
        ApiMessageAndVersion rows =
                new RowsRecord((byte) 1, List.of(new RowsRecord.Row(new byte[8], new byte[400]))).versioned();

        limit.accept(rows);
        limit.accept(rows);
        assertThatThrownBy(() -> limit.accept(rows)).hasMessageContaining("more than 1000 bytes");
        assertThat(written).hasSize(2);
    }
}

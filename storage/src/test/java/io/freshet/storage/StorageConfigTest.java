// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import org.junit.jupiter.api.Test;

class StorageConfigTest {
    @Test
    void hasTheDocumentedDefaults() {
        StorageConfig config = StorageConfig.defaults();
        assertThat(config.objectBytes()).isEqualTo(64 << 20);
        assertThat(config.uploadAgeMs()).isEqualTo(60_000);
        assertThat(config.maxObjectBytes()).isEqualTo(256 << 20);
        assertThat(config.largeRunBytes()).isEqualTo(16 << 20);
        assertThat(config.blockTargetBytes()).isEqualTo(1 << 20);
        assertThat(config.uploadsInFlight()).isEqualTo(2);
        assertThat(config.tailCacheBytes()).isEqualTo(512 << 20);
        assertThat(config.retiredGraceMs()).isEqualTo(60_000);
        assertThat(config.orphanGraceMs()).isEqualTo(3_600_000);
    }

    @Test
    void namesTheValueThatIsWrong() {
        assertThatThrownBy(() -> StorageConfig.defaults().withUpload(0, 1))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessage("Storage objectBytes is 0; it must be at least 1");
        assertThatThrownBy(() -> StorageConfig.defaults().withObjects(1, 1, 10))
                .hasMessageContaining("blockTargetBytes is 10");
    }
}

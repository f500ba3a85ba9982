// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ConfigReferenceTest {
    private static final Path FILE = Path.of("..", "docs", "configuration.md");

    @Test
    void theReferenceIsFresh() throws IOException {
        if (Boolean.getBoolean("freshet.docs.write")) {
            Files.writeString(FILE, ConfigReference.markdown());
        }
        assertThat(Files.readString(FILE))
                .as("write it anew: mvn -pl broker -am test -Dtest=ConfigReferenceTest -Dfreshet.docs.write=true "
                        + "-Dsurefire.failIfNoSpecifiedTests=false")
                .isEqualTo(ConfigReference.markdown());
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Metadata nodes whose log is mirrored into a bucket that a test can make fail. */
abstract class MirroredNodes {
    @TempDir
    Path temp;

    final MirroredCluster cluster = new MirroredCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    Path directory(String name) {
        return temp.resolve(name);
    }

    static void refused(ThrowingCallable call, ErrorKind kind, String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageMatching("(?s).*(" + message + ").*");
    }
}

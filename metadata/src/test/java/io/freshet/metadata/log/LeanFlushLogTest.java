// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.raft.RaftLog;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka's flush runs whenever files may have changed places, else only the newest segment is flushed. */
class LeanFlushLogTest {
    @TempDir
    Path directory;

    private final List<String> calls = new ArrayList<>();

    @Test
    void flushesTheNewestSegmentAloneAsLongAsItIsTheSame() throws IOException {
        segment(0);
        LeanFlushLog log = log();

        log.flush(false);
        log.flush(false);
        log.flush(false);

        assertThat(calls).containsExactly("flush");
        log.close();
    }

    @Test
    void leavesANewSegmentToKafka() throws IOException {
        segment(0);
        LeanFlushLog log = log();
        log.flush(false);

        segment(7000);
        log.flush(false);
        log.flush(false);

        assertThat(calls).containsExactly("flush", "flush");
        log.close();
    }

    @Test
    void leavesTheFirstFlushAfterATruncationToKafka() throws IOException {
        segment(0);
        LeanFlushLog log = log();
        log.flush(false);

        log.truncateTo(3);
        log.flush(false);
        log.truncateToLatestSnapshot();
        log.flush(false);
        log.flush(false);

        assertThat(calls).containsExactly("flush", "truncateTo", "flush", "truncateToLatestSnapshot", "flush");
        log.close();
    }

    @Test
    void leavesAForcedFlushToKafka() throws IOException {
        segment(0);
        LeanFlushLog log = log();
        log.flush(false);

        log.flush(true);
        log.flush(false);

        assertThat(calls).containsExactly("flush", "flush");
        log.close();
    }

    private void segment(long baseOffset) throws IOException {
        Files.createFile(directory.resolve(String.format("%020d.log", baseOffset)));
        Files.createFile(directory.resolve(String.format("%020d.index", baseOffset)));
    }

    private LeanFlushLog log() {
        RaftLog recording = (RaftLog) Proxy.newProxyInstance(
                RaftLog.class.getClassLoader(), new Class<?>[] {RaftLog.class}, (proxy, method, arguments) -> {
                    calls.add(method.getName());
                    return method.getReturnType() == boolean.class ? true : null;
                });
        return new LeanFlushLog(recording, directory);
    }
}

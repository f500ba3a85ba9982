// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.MetadataLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.snapshot.SnapshotReader;
import org.jspecify.annotations.Nullable;

/** A log whose leader does not wait for the others: what it prepares counts as committed at once. */
final class HastyLog extends WatchedLog {
    private final List<Batch<ApiMessageAndVersion>> prepared = new ArrayList<>();
    private @Nullable Listener listener;
    private long toldEnd;

    HastyLog(MetadataLog real) {
        super(real, batch -> {});
    }

    @Override
    public long append(int leaderEpoch, List<ApiMessageAndVersion> records) {
        long last = super.append(leaderEpoch, records);
        prepared.add(Batch.data(last - records.size() + 1, leaderEpoch, 0, 100, records));
        return last;
    }

    @Override
    public void flush() {
        super.flush();
        for (Batch<ApiMessageAndVersion> batch : prepared) {
            tell(List.of(batch));
        }
        prepared.clear();
    }

    private void tell(List<Batch<ApiMessageAndVersion>> batches) {
        List<Batch<ApiMessageAndVersion>> news =
                batches.stream().filter(batch -> batch.lastOffset() >= toldEnd).toList();
        if (!news.isEmpty()) {
            long end = news.get(news.size() - 1).lastOffset();
            toldEnd = end + 1;
            Objects.requireNonNull(listener)
                    .onCommit(new Read(news.get(0).baseOffset(), OptionalLong.of(end), news.iterator()));
        }
    }

    @Override
    public void start(Listener told) {
        listener = told;
        super.start(new Listener() {
            @Override
            public void onCommit(BatchReader<ApiMessageAndVersion> batches) {
                List<Batch<ApiMessageAndVersion>> read = new ArrayList<>();
                try (batches) {
                    batches.forEachRemaining(read::add);
                }
                tell(read);
            }

            @Override
            public void onSnapshot(SnapshotReader<ApiMessageAndVersion> snapshot) {
                toldEnd = snapshot.lastContainedLogOffset() + 1;
                told.onSnapshot(snapshot);
            }

            @Override
            public void onBootstrap(SnapshotReader<ApiMessageAndVersion> bootstrap) {
                told.onBootstrap(bootstrap);
            }

            @Override
            public void onLeaderChange(org.apache.kafka.raft.LeaderAndEpoch leader) {
                told.onLeaderChange(leader);
            }

            @Override
            public void onFault(Throwable fault) {
                told.onFault(fault);
            }
        });
    }
}

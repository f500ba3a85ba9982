// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.partition.Partitions;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.MetadataNode;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;

/** Looks, a few times a second, whether every partition of the image that this broker leads is open. */
final class OpenedAll {
    private static final long PERIOD_MS = 20;

    private final int brokerId;
    private final MetadataNode metadata;
    private final Partitions partitions;
    private final CompletableFuture<Void> future = new CompletableFuture<>();

    OpenedAll(int brokerId, MetadataNode metadata, Partitions partitions, Runtime runtime) {
        this.brokerId = brokerId;
        this.metadata = metadata;
        this.partitions = partitions;
        if (!look()) {
            Scheduler.Cancellable looking = runtime.scheduler().scheduleRepeatedly(PERIOD_MS, this::look);
            future.whenComplete((done, error) -> looking.cancel());
        }
    }

    /** Completes when all are open. */
    CompletableFuture<Void> future() {
        return future;
    }

    private boolean look() {
        int wanted = 0;
        for (TopicImage topic : metadata.image().topics().topicsById().values()) {
            for (PartitionRegistration partition : topic.partitions().values()) {
                wanted += partition.leader == brokerId ? 1 : 0;
            }
        }
        if (partitions.open().size() >= wanted) {
            future.complete(null);
        }
        return future.isDone();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.broker.partition.MovablePartition;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;

/** What one registration of a broker keeps records in: WALs, partitions and uploads. */
public interface MemberStorage {
    /** Names of the WAL lanes that the broker registers with. */
    List<String> lanes();

    /** Opens the WALs once the broker has registered; may be called again if it fails, unless it was fenced. */
    CompletableFuture<Void> open();

    /** The WALs are open: opens what the broker owns, and calls {@link Member#ready} when it serves. */
    void start();

    /** The metadata have changed. */
    void onImage(MetadataDelta delta, MetadataImage image);

    Optional<? extends MovablePartition> partition(TopicPartition name);

    /** The partitions that are open now. */
    Collection<? extends MovablePartition> partitions();

    /** Whether the partition is open and takes appends, the lease aside. */
    boolean takesAppends(TopicPartition name, int leaderEpoch);

    /** Completes when all that was appended before is committed. */
    CompletableFuture<Void> upload();

    /** The process is about to stop: uploads what is left, serves nothing any more, and closes. */
    default void closeCleanly() {}

    /** The registration is over: nothing is served any more. */
    void end();

    /** As {@link #end}, but the process is gone, and does nothing any more. */
    void processDied();
}

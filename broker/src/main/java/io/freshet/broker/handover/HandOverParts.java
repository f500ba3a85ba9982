// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import io.freshet.broker.partition.MovablePartition;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.MoveWish;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataImage;

/**
 * What hand-overs need.
 *
 * @param wishes the moves that are wished for now
 * @param wishesVersion differs whenever they may differ; cheap
 * @param image the newest metadata
 * @param open the partitions open on this broker
 * @param upload uploads and commits all that was appended before the call
 * @param controller {@link io.freshet.metadata.ClusterController#handOver} in this registration's name
 * @param moving is told before and after appends have to wait
 * @param executor one thread, the writer of the hand-overs' state
 */
public record HandOverParts(
        Ownership ownership,
        Supplier<List<MoveWish>> wishes,
        LongSupplier wishesVersion,
        Supplier<MetadataImage> image,
        Function<TopicPartition, Optional<? extends MovablePartition>> open,
        Supplier<CompletableFuture<Void>> upload,
        Function<List<PartitionHandOver>, CompletableFuture<List<Boolean>>> controller,
        MovingPartitions moving,
        Clock clock,
        Scheduler scheduler,
        Executor executor,
        MeterRegistry meters) {}

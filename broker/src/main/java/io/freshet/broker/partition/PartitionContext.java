// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.runtime.Clock;
import java.util.function.Function;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogValidator;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;

/**
 * What all partitions of a broker share.
 *
 * @param configs a topic's present configuration by topic name; called on each append, so it must be a cheap look-up
 * @param producers producer expiry
 * @param rejections counts batches that were refused
 */
public record PartitionContext(
        Clock clock,
        Function<String, LogConfig> configs,
        ProducerStateManagerConfig producers,
        LogValidator.MetricsRecorder rejections) {}

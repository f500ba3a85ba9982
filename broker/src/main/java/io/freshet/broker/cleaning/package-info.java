/**
 * Key compaction of topics with {@code cleanup.policy=compact}: which partition is due, which records go, by Kafka's own
 * rules and library; objects are rewritten through {@link io.freshet.storage.compact.StreamRewriter}. One partition at a time, on
 * the executor that the service is given; nothing blocks.
 */
@NullMarked
package io.freshet.broker.cleaning;

import org.jspecify.annotations.NullMarked;

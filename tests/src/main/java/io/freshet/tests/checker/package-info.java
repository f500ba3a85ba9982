// SPDX-License-Identifier: Apache-2.0
/**
 * Judges what clients saw of a cluster, in the spirit of Jepsen's Kafka workload: a history of their operations goes in, the
 * anomalies that no Kafka cluster may show come out. {@link io.freshet.tests.checker.Checker} first. It knows nothing of the
 * cluster or of how the history was made. One thread at a time, but for {@link io.freshet.tests.checker.HistoryWriter}.
 */
@NullMarked
package io.freshet.tests.checker;

import org.jspecify.annotations.NullMarked;

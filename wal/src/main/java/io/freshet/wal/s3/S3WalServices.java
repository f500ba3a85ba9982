// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.Executor;

/**
 * What an S3 lane takes from its process. All of it must outlive the lane.
 *
 * @param clock time
 * @param scheduler timers; they only wake the lane
 * @param executor runs the lane, one task at a time, and with it the callbacks of entries and the recovery visitor; may have
 *     many threads and must not refuse tasks
 * @param randomness jitter of retries
 * @param meters receives {@code freshet.wal.s3.*}
 */
public record S3WalServices(
        Clock clock, Scheduler scheduler, Executor executor, Randomness randomness, MeterRegistry meters) {}

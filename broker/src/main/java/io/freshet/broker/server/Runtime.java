// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** What every part takes from its process. */
record Runtime(Clock clock, Scheduler scheduler, Randomness randomness, PrometheusMeterRegistry meters) {}

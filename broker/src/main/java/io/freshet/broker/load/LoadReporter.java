// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.load;

import io.freshet.broker.partition.Ownership;
import io.freshet.broker.partition.PartitionQueries;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.balance.LoadReport;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the active controller every few seconds what this broker's partitions bear. Scheduler's thread; never blocks. */
public final class LoadReporter implements AutoCloseable {
    /** From one report to the next. */
    public static final long PERIOD_MS = 5_000;

    private static final Logger LOG = LoggerFactory.getLogger(LoadReporter.class);

    private final Ownership self;
    private final Supplier<? extends Collection<? extends PartitionQueries>> open;
    private final Function<LoadReport, CompletableFuture<Void>> controller;
    private final LoadAverages averages;
    private final AtomicBoolean isUnanswered = new AtomicBoolean();
    private final Scheduler.Cancellable reporting;

    /**
     * Begins to report.
     *
     * @param open the partitions that are open here
     * @param controller sends a report to the active controller
     */
    public LoadReporter(
            Ownership self,
            Supplier<? extends Collection<? extends PartitionQueries>> open,
            Function<LoadReport, CompletableFuture<Void>> controller,
            Clock clock,
            Scheduler scheduler) {
        this.self = self;
        this.open = open;
        this.controller = controller;
        this.averages = new LoadAverages(clock);
        this.reporting = scheduler.scheduleRepeatedly(PERIOD_MS, this::report);
    }

    private void report() {
        averages.sample(open.get());
        if (!isUnanswered.compareAndSet(false, true)) {
            return;
        }
        CompletableFuture<Void> answer;
        try {
            answer = controller.apply(averages.report(self.brokerId(), self.brokerEpoch()));
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        answer.whenComplete((done, error) -> {
            isUnanswered.set(false);
            if (error != null) {
                LOG.debug(
                        "A report of loads was not taken: {}",
                        FreshetException.of(error).getMessage());
            }
        });
    }

    @Override
    public void close() {
        reporting.cancel();
    }
}

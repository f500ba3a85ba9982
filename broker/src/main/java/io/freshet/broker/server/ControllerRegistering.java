// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ClusterController.ControllerSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the quorum what this controller's process knows, again and again until it has been heard. Any thread. */
final class ControllerRegistering implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerRegistering.class);
    private static final long PAUSE_MS = 1_000;

    private final ClusterController controller;
    private final ControllerSpec spec;
    private final Scheduler scheduler;
    private volatile boolean isClosed;

    ControllerRegistering(ClusterController controller, ControllerSpec spec, Scheduler scheduler) {
        this.controller = controller;
        this.spec = spec;
        this.scheduler = scheduler;
    }

    void tell() {
        if (isClosed) {
            return;
        }
        controller.registerController(spec).whenComplete((done, error) -> {
            if (error != null && !isClosed) {
                LOG.debug(
                        "Controller {} is not registered yet: {}",
                        spec.nodeId(),
                        FreshetException.of(error).getMessage());
                scheduler.schedule(PAUSE_MS, this::tell);
            }
        });
    }

    @Override
    public void close() {
        isClosed = true;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.console.ConsoleServer;
import io.freshet.console.HealthSource;
import io.freshet.console.StorageSource;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import java.util.Optional;

/** Starts the HTTP listener, if it is on, and the metrics of the process that it shows. */
record HttpWiring(ServerConfig config, Runtime runtime) {
    void bindProcessMetrics(OpenedParts opened) {
        new JvmMemoryMetrics().bindTo(runtime.meters());
        new JvmThreadMetrics().bindTo(runtime.meters());
        new ProcessorMetrics().bindTo(runtime.meters());
        JvmGcMetrics gc = opened.add("gc metrics", new JvmGcMetrics());
        gc.bindTo(runtime.meters());
    }

    Optional<ConsoleServer> start(HealthSource health, StorageSource storage, OpenedParts opened) {
        String listener = config.httpListener();
        if (listener.isEmpty()) {
            return Optional.empty();
        }
        int colon = listener.lastIndexOf(':');
        try {
            String host = listener.substring(0, colon);
            int port = Integer.parseInt(listener.substring(colon + 1));
            return Optional.of(opened.add(
                    "console",
                    ConsoleServer.start(
                            host, port, health, () -> runtime.meters().scrape(), storage)));
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new FreshetException(
                    ErrorKind.INVALID, "http.listener=" + listener + " is not host:port, such as 127.0.0.1:8080", e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import org.jspecify.annotations.Nullable;

/** Ports must be bound before the broker can register them; requests that come before it serves are turned away. */
final class StartGate implements RequestHandler {
    private volatile @Nullable RequestHandler handler;

    void open(RequestHandler served) {
        handler = served;
    }

    @Override
    public void handle(KafkaRequest request) {
        RequestHandler served = handler;
        if (served == null) {
            request.disconnect("the broker is still starting");
        } else {
            served.handle(request);
        }
    }
}

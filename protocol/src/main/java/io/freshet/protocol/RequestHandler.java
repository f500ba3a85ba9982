// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

/** Serves parsed requests. Called on the connection's event loop: must not block; answers may come later from any thread. */
public interface RequestHandler {
    void handle(KafkaRequest request);
}

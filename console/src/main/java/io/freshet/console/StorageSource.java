// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Answers GET requests about streams, objects and brokers' loads with JSON. Called on the console's event loop: must not block. */
@FunctionalInterface
public interface StorageSource {
    /** All of its pages are under this path, but for {@link #BALANCE}. */
    String PREFIX = "/api/storage";

    /** How even the brokers are, and what would move. */
    String BALANCE = "/api/balance";

    /** Knows no page. */
    StorageSource NONE = (path, parameters) ->
            CompletableFuture.completedFuture(new Reply(404, "{\"error\":\"nothing about storage is served here\"}"));

    /**
     * The page at {@code path}, which begins with {@link #PREFIX} or is {@link #BALANCE}. May complete on any thread.
     *
     * @param parameters of the query, decoded
     */
    CompletionStage<Reply> answer(String path, Map<String, List<String>> parameters);

    /** HTTP status and JSON text. */
    record Reply(int status, String json) {}
}

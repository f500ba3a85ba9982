// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Answers GET requests about streams and objects with JSON. Called on the console's event loop: must not block. */
@FunctionalInterface
public interface StorageSource {
    /** All of its pages are under this path. */
    String PREFIX = "/api/storage";

    /** Knows no page. */
    StorageSource NONE = (path, parameters) ->
            CompletableFuture.completedFuture(new Reply(404, "{\"error\":\"nothing about storage is served here\"}"));

    /**
     * The page at {@code path}, which begins with {@link #PREFIX}. May complete on any thread.
     *
     * @param parameters of the query, decoded
     */
    CompletionStage<Reply> answer(String path, Map<String, List<String>> parameters);

    /** HTTP status and JSON text. */
    record Reply(int status, String json) {}
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.console.StorageSource;
import io.freshet.metadata.MetadataNode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@link StorageSource#BALANCE} with what the active controller says, wherever that is; everything else is for the
 * source behind. Safe for use by many threads.
 */
public final class BalanceQueries implements StorageSource {
    private final StorageSource others;
    private final ObjectMapper json = new ObjectMapper();
    private volatile @Nullable Parts parts;

    private record Parts(MetadataNode metadata, String bootstrap) {}

    public BalanceQueries(StorageSource others) {
        this.others = others;
    }

    /**
     * From now on the page is served; before, the answer is 503.
     *
     * @param bootstrap where Kafka clients find this node
     */
    public void serve(MetadataNode metadata, String bootstrap) {
        parts = new Parts(metadata, bootstrap);
    }

    @Override
    public CompletionStage<Reply> answer(String path, Map<String, List<String>> parameters) {
        if (!path.equals(BALANCE)) {
            return others.answer(path, parameters);
        }
        Parts now = parts;
        if (now == null) {
            return CompletableFuture.completedFuture(error(503, "this node is still starting; retry"));
        }
        return now.metadata
                .controller()
                .describeBalance()
                .thenApply(balance -> new Reply(200, write(BalancePages.of(balance, now.bootstrap))))
                .exceptionally(this::failure);
    }

    private Reply failure(Throwable error) {
        FreshetException known = FreshetException.of(error);
        boolean isTransient = known.kind() == ErrorKind.UNAVAILABLE || known.kind() == ErrorKind.INDETERMINATE;
        return error(isTransient ? 503 : 500, String.valueOf(known.getMessage()));
    }

    private Reply error(int status, String message) {
        return new Reply(status, write(new StoragePages.Error(message)));
    }

    private String write(Object page) {
        try {
            return json.writeValueAsString(page);
        } catch (JsonProcessingException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "Cannot write " + page.getClass() + " as JSON", e);
        }
    }
}

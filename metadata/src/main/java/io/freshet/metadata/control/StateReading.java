// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ObjectState;
import io.freshet.metadata.StateQueries;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.StateReads;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.apache.kafka.common.metadata.NoOpRecord;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Answers {@link StateQueries} while this node leads: from one instant of the state, read on a thread of its own. */
final class StateReading {
    private final CommandQueue queue;
    private final Executor reader;

    StateReading(CommandQueue queue, Executor reader) {
        this.queue = queue;
        this.reader = reader;
    }

    CompletableFuture<ManifestPages> manifests(ManifestQuery query) {
        return queue.ask(state -> {
            if (state.appliedOffset() < query.minOffset()) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        "This node has applied the log up to " + state.appliedOffset() + ", a manifest is wanted at "
                                + query.minOffset() + " or later; retry");
            }
            return read(state, reads -> reads.manifests(query));
        });
    }

    CompletableFuture<List<LiveObject>> objects(long afterObjectId, int limit) {
        requireBounded(limit);
        return queue.ask(state -> read(state, reads -> reads.objects(afterObjectId, limit)));
    }

    CompletableFuture<List<RetiredObject>> retired(int limit) {
        requireBounded(limit);
        return queue.ask(state -> read(state, reads -> reads.retired(limit)));
    }

    /** The record without effect proves that this node leads: nobody has committed anything that it has not applied. */
    CompletableFuture<List<ObjectState>> states(List<Long> objectIds) {
        requireBounded(objectIds.size());
        List<Long> asked = List.copyOf(objectIds);
        return queue.submit(state ->
                        Command.Decision.of(List.of(new ApiMessageAndVersion(new NoOpRecord(), (short) 0)), true))
                .thenCompose(done -> queue.ask(state -> read(state, reads -> reads.objectStates(asked))));
    }

    private static void requireBounded(int count) {
        if (count < 0 || count > StateQueries.MAX_OBJECTS) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    count + " objects are too many for one query; ask for " + StateQueries.MAX_OBJECTS + " at most");
        }
    }

    private <T> CompletableFuture<T> read(ClusterState state, Function<StateReads, T> look) {
        if (state.tablesOffset() > state.appliedOffset()) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "This node's tables are ahead of its image while it starts; retry");
        }
        StateReads reads = state.freezeForLookUps();
        CompletableFuture<T> answer = new CompletableFuture<>();
        try {
            reader.execute(() -> {
                try (reads) {
                    answer.complete(look.apply(reads));
                } catch (RuntimeException e) {
                    answer.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            reads.close();
            throw new FreshetException(
                    ErrorKind.THROTTLED, "Too many questions wait for this node's tables; retry later", e);
        }
        return answer;
    }
}

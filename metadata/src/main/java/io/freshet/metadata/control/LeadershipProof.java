// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * Since when it is sure that this node leads: what it appended was committed, so most voters followed it after that moment. Raft itself
 * finds out seconds later that it leads no more when it is cut off or was stopped. Metadata thread.
 */
final class LeadershipProof {
    private final Clock clock;
    private final List<Waiting> waiting = new ArrayList<>();
    private OptionalLong provenAtNs = OptionalLong.empty();
    private long appendedAtNs;

    LeadershipProof(Clock clock) {
        this.clock = clock;
    }

    private record Waiting(long sinceNs, CompletableFuture<Void> proven) {}

    /** Records are being appended now, those of before are committed or lost. */
    void onAppend() {
        appendedAtNs = clock.nanoTime();
    }

    /** What was appended last is committed. */
    void onCommit() {
        provenAtNs = OptionalLong.of(appendedAtNs);
        List<Waiting> proven =
                waiting.stream().filter(one -> holdsSince(one.sinceNs)).toList();
        waiting.removeAll(proven);
        proven.forEach(one -> one.proven.complete(null));
    }

    /** Whether something that was appended at {@code sinceNs}, on the monotonic clock, or later is committed. */
    boolean holdsSince(long sinceNs) {
        return provenAtNs.isPresent() && provenAtNs.getAsLong() - sinceNs >= 0;
    }

    /** Completes once {@link #holdsSince} does. */
    CompletableFuture<Void> await(long sinceNs) {
        CompletableFuture<Void> proven = new CompletableFuture<>();
        waiting.add(new Waiting(sinceNs, proven));
        return proven;
    }

    boolean isAwaited() {
        return !waiting.isEmpty();
    }

    /** Another epoch begins: nothing is proven. */
    void forget() {
        provenAtNs = OptionalLong.empty();
    }

    /** Whoever waits hears of {@code reason}. */
    void fail(FreshetException reason) {
        List<Waiting> failed = List.copyOf(waiting);
        waiting.clear();
        failed.forEach(one -> one.proven.completeExceptionally(reason));
    }
}

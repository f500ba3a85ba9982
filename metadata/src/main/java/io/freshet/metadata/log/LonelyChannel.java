// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;

/** The channel of a quorum of one: there is nobody to talk to, and whoever tries is told so. */
public final class LonelyChannel implements NetworkChannel {
    private final ListenerName listenerName;
    private final AtomicInteger correlationIds = new AtomicInteger();

    public LonelyChannel(String listenerName) {
        this.listenerName = new ListenerName(listenerName);
    }

    @Override
    public int newCorrelationId() {
        return correlationIds.getAndIncrement();
    }

    @Override
    public CompletionStage<RaftResponse.Inbound> send(RaftRequest.Outbound request) {
        return CompletableFuture.failedFuture(new FreshetException(
                ErrorKind.UNAVAILABLE,
                "No route to quorum node " + request.destination()
                        + ": this node was started as a quorum of one; give it a channel to its peers"));
    }

    @Override
    public ListenerName listenerName() {
        return listenerName;
    }

    @Override
    public void close() {}
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.ClientResponse;
import org.apache.kafka.clients.KafkaClient;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.server.util.InterBrokerSendThread;
import org.apache.kafka.server.util.RequestAndCompletionHandler;

/**
 * Sends requests that are not Raft's own to controller listeners of other nodes. Safe for use by many threads; one thread
 * sends, receives and completes futures, so that dependents must not block.
 */
public final class PeerRequests implements AutoCloseable {
    private static final int TIMEOUT_MS = 10_000;

    private final ClockTime time;
    private final Sender sender;

    private PeerRequests(ClockTime time, Sender sender) {
        this.time = time;
        this.sender = sender;
    }

    /** Starts the thread; connections are made when they are needed. */
    public static PeerRequests open(String listenerName, int nodeId, Clock clock) {
        ClockTime time = new ClockTime(clock);
        Sender sender = new Sender(
                PeerSockets.client(new ListenerName(listenerName), "peer-client-" + nodeId, TIMEOUT_MS, time), time);
        sender.start();
        return new PeerRequests(time, sender);
    }

    /**
     * Sends {@code request} to {@code to}.
     *
     * @return the response, errors inside it; fails with INDETERMINATE if none came in 10 s, or the connection was lost, or
     *     could not be made
     */
    public CompletableFuture<AbstractResponse> send(
            Node to, AbstractRequest.Builder<? extends AbstractRequest> request) {
        CompletableFuture<AbstractResponse> answered = new CompletableFuture<>();
        sender.enqueue(new RequestAndCompletionHandler(
                time.milliseconds(), to, request, response -> complete(answered, to, response)));
        return answered;
    }

    private static void complete(CompletableFuture<AbstractResponse> answered, Node to, ClientResponse response) {
        if (response.versionMismatch() != null) {
            answered.completeExceptionally(response.versionMismatch());
        } else if (response.authenticationException() != null) {
            answered.completeExceptionally(response.authenticationException());
        } else if (response.responseBody() == null) {
            answered.completeExceptionally(new FreshetException(
                    ErrorKind.INDETERMINATE,
                    "No answer to " + response.requestHeader().apiKey() + " from controller " + to
                            + ": the connection was lost or not made; retry"));
        } else {
            answered.complete(response.responseBody());
        }
    }

    /** Ends what is under way. */
    @Override
    public void close() {
        try {
            sender.shutdown();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class Sender extends InterBrokerSendThread {
        private final ConcurrentLinkedQueue<RequestAndCompletionHandler> queued = new ConcurrentLinkedQueue<>();

        Sender(KafkaClient client, ClockTime time) {
            super("freshet-peer-requests", client, TIMEOUT_MS, time, false);
        }

        void enqueue(RequestAndCompletionHandler request) {
            queued.add(request);
            wakeup();
        }

        @Override
        public Collection<RequestAndCompletionHandler> generateRequests() {
            List<RequestAndCompletionHandler> taken = new ArrayList<>();
            for (RequestAndCompletionHandler next = queued.poll(); next != null; next = queued.poll()) {
                taken.add(next);
            }
            return taken;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.log.ClockTime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.apache.kafka.clients.KafkaClient;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.utils.Time;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The channel over sockets: each command is the data of one of Kafka's ENVELOPE requests to the other node's controller
 * listener, through Kafka's own network client. One connection for each node, on which commands follow each other without
 * waiting for answers; it is made when it is needed and made again after a failure. One thread, to which everything but the
 * queue of arrivals belongs; {@link #send} may be called by any.
 */
public final class EnvelopeChannel implements CommandChannel {
    private static final Logger LOG = LoggerFactory.getLogger(EnvelopeChannel.class);
    private static final long LONGEST_POLL_MS = 1_000;
    private static final long PAUSE_AFTER_FAULT_MS = 100;

    private final Supplier<KafkaClient> clients;
    private final Time time;
    private final int silenceMs;
    private final Queue<EnvelopeSending> arrivals = new ConcurrentLinkedQueue<>();
    private final Map<Node, ArrayDeque<EnvelopeSending>> unsent = new HashMap<>();
    private final PriorityQueue<EnvelopeSending> byDeadline = new PriorityQueue<>();
    private final Thread thread;
    private volatile KafkaClient client;
    private volatile boolean isClosed;

    /** Starts the channel. */
    public EnvelopeChannel(EnvelopeSettings settings, Clock clock) {
        this.time = new ClockTime(clock);
        this.clients = () -> EnvelopeConnections.client(settings, time);
        this.silenceMs = settings.silenceMs();
        this.client = clients.get();
        this.thread = Threads.newThread("freshet-commands", this::run);
        thread.start();
    }

    @Override
    public CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs) {
        EnvelopeSending sending =
                new EnvelopeSending(to, command, time.milliseconds(), time.hiResClockMs() + timeoutMs);
        arrivals.add(sending);
        if (isClosed) {
            failArrivals();
        } else {
            client.wakeup();
        }
        return sending.answer();
    }

    /** Ends the thread and the connections; what was sent and not answered is INDETERMINATE. */
    @Override
    public void close() {
        isClosed = true;
        client.wakeup();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!isClosed) {
            try {
                poll();
            } catch (IOException | RuntimeException e) {
                startAnew(e);
            }
        }
        failAll("this node is stopping");
        closeClient();
        failArrivals();
    }

    private void poll() throws IOException {
        for (EnvelopeSending next = arrivals.poll(); next != null; next = arrivals.poll()) {
            unsent.computeIfAbsent(next.to(), node -> new ArrayDeque<>()).add(next);
            byDeadline.add(next);
        }
        long nowMs = time.milliseconds();
        long waitMs = Math.min(LONGEST_POLL_MS, untilDeadlineMs());
        for (Iterator<Map.Entry<Node, ArrayDeque<EnvelopeSending>>> each =
                        unsent.entrySet().iterator();
                each.hasNext(); ) {
            Map.Entry<Node, ArrayDeque<EnvelopeSending>> next = each.next();
            waitMs = Math.min(waitMs, sendReady(next.getKey(), next.getValue(), nowMs));
            if (next.getValue().isEmpty()) {
                each.remove();
            }
        }
        client.poll(waitMs, nowMs);
        expire();
    }

    /** Returns after how long to look again at what could not be sent. */
    private long sendReady(Node to, ArrayDeque<EnvelopeSending> queue, long nowMs) {
        while (!queue.isEmpty()) {
            EnvelopeSending next = queue.peek();
            if (next.answer().isDone()) {
                queue.poll();
            } else if (client.ready(to, nowMs)) {
                queue.poll();
                client.send(
                        client.newClientRequest(
                                to.idString(), next.envelope(), next.createdMs(), true, silenceMs, next::onAnswer),
                        nowMs);
            } else if (client.connectionFailed(to)) {
                AuthenticationException refused = client.authenticationException(to);
                queue.forEach(sending ->
                        sending.fail("cannot connect" + (refused == null ? "" : ": " + refused.getMessage())));
                queue.clear();
            } else {
                return Math.max(1, client.connectionDelay(to, nowMs));
            }
        }
        return Long.MAX_VALUE;
    }

    private long untilDeadlineMs() {
        EnvelopeSending first = byDeadline.peek();
        return first == null ? Long.MAX_VALUE : Math.max(0, first.deadlineMs() - time.hiResClockMs() + 1);
    }

    private void expire() {
        long nowMs = time.hiResClockMs();
        for (EnvelopeSending next = byDeadline.peek();
                next != null && (next.answer().isDone() || next.deadlineMs() < nowMs);
                next = byDeadline.peek()) {
            byDeadline.poll();
            next.fail("no answer came in time");
        }
    }

    /** After bytes that are no answer, or a bug: nothing that is under way can be trusted any more. */
    private void startAnew(Exception fault) {
        LOG.warn("The connections for metadata commands failed and are made anew", fault);
        failAll("the connection failed: " + fault);
        closeClient();
        time.sleep(PAUSE_AFTER_FAULT_MS);
        client = clients.get();
    }

    private void failAll(String why) {
        byDeadline.forEach(sending -> sending.fail(why));
        byDeadline.clear();
        unsent.clear();
    }

    private void failArrivals() {
        for (EnvelopeSending next = arrivals.poll(); next != null; next = arrivals.poll()) {
            next.fail("this node is stopping");
        }
    }

    private void closeClient() {
        try {
            client.close();
        } catch (IOException | RuntimeException e) {
            LOG.warn("Closing the connections for metadata commands failed", e);
        }
    }

    static FreshetException lost(Node to, String why) {
        return new FreshetException(
                ErrorKind.INDETERMINATE,
                "A metadata command was sent to " + name(to) + " and not answered: " + why + "; read the state back");
    }

    static FreshetException notSent(Node to, String why) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE, "A metadata command did not reach " + name(to) + ": " + why + "; retry");
    }

    private static String name(Node node) {
        return "node " + node.id() + " at " + node.host() + ":" + node.port();
    }
}

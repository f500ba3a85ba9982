// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ApiVersionsRequest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection: reads frames, hands out requests, writes answers in request order. All state belongs to the
 * channel's event loop; {@link #answer} and {@link #end} may be called from any thread. Reading pauses while too many
 * requests are unanswered, too many bytes unsent, a fetch is not answered and sent (what a client may keep in memory by
 * not reading is one fetch's records), or the request memory is used up.
 */
final class KafkaConnection extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaConnection.class);

    private final ServerParts parts;
    private final Channel channel;
    private final FrameReader reader;
    private final RequestParser parser;
    private final String id;
    private final ArrayDeque<PendingRequest> unanswered = new ArrayDeque<>();
    private int unsentResponses;
    private int unsentFetches;
    private boolean reading;
    private boolean flushQueued;
    private boolean draining;
    private boolean closed;
    private long lastActivityNanos;
    private @Nullable Future<?> idleCheck;

    KafkaConnection(ServerParts parts, Channel channel, FrameReader reader, RequestParser parser, String id) {
        this.parts = parts;
        this.channel = channel;
        this.reader = reader;
        this.parser = parser;
        this.id = id;
        this.lastActivityNanos = parts.clock().nanoTime();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        scheduleIdleCheck(parts.config().limits().idleMs());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        lastActivityNanos = parts.clock().nanoTime();
        if (closed) {
            ((ByteBuf) message).release();
            return;
        }
        reader.offer((ByteBuf) message);
        readRequests();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        flushNow();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        readRequests();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        closed = true;
        if (idleCheck != null) {
            idleCheck.cancel(false);
        }
        reader.close();
        for (PendingRequest request : unanswered) {
            request.dropOutgoing();
        }
        unanswered.clear();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("Connection {} broke", id, cause);
            parts.metrics().error("broken");
            close();
        } else {
            refuse("internal", cause.toString());
        }
    }

    /** Continues after memory was granted. Any thread. */
    void memoryGranted() {
        execute(this::readRequests);
    }

    /** Closes the connection if the frame of {@code grant} is still incomplete and short of {@code enoughBytes}. Any thread. */
    void evict(RequestMemory.Grant grant, int enoughBytes) {
        execute(() -> {
            int received = reader.receivedBytes(grant);
            if (!closed && received >= 0 && received < enoughBytes) {
                refuse(
                        "stalled",
                        "it sent " + received + " of " + grant.bytes() + " bytes of a request and too little lately,"
                                + " while other requests wait for memory");
            }
        });
    }

    /** Stops reading and closes once everything in flight is answered and sent. Any thread. */
    void drain() {
        execute(() -> {
            draining = true;
            readRequests();
            closeIfDrained();
        });
    }

    /** Sends {@code response}, or nothing if it is null, when its turn has come. Any thread. */
    void answer(PendingRequest request, @Nullable AbstractResponse response) {
        if (!execute(() -> answered(request, response))) {
            drop(request, response);
        }
    }

    /** Closes the connection at once. Any thread. */
    void end(PendingRequest request, String reason) {
        request.releaseFrame();
        execute(() -> {
            if (!closed) {
                refuse("disconnected", reason);
            }
        });
    }

    private boolean execute(Runnable task) {
        if (channel.eventLoop().inEventLoop()) {
            task.run();
            return true;
        }
        try {
            channel.eventLoop().execute(task);
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private void readRequests() {
        if (reading || closed) {
            return;
        }
        reading = true;
        try {
            while (mayRead()) {
                Frame frame = reader.poll();
                if (frame == null) {
                    break;
                }
                dispatch(frame);
            }
        } catch (RuntimeException e) {
            refuse("malformed", reasonOf(e));
        } catch (Error e) {
            // Such as no memory left: a connection that stayed would keep its part of the request memory and not read
            // on.
            refuse("internal", e.toString());
        } finally {
            reading = false;
        }
        if (!closed) {
            // Behind a fetch reading goes on until something comes, so that a client that leaves is seen.
            boolean isListening = unsentFetches > 0 && !reader.hasInput();
            channel.config().setAutoRead((mayRead() && !reader.isWaitingForMemory()) || isListening);
        }
    }

    private boolean mayRead() {
        return !closed
                && !draining
                && channel.isWritable()
                && unsentFetches == 0
                && unanswered.size() < parts.config().limits().maxRequestsInFlight();
    }

    private void dispatch(Frame frame) {
        parts.metrics().received(frame.bytes().capacity());
        PendingRequest request;
        try {
            RequestParser.Parsed parsed = parser.parse(frame.bytes().nioBuffer());
            request = new PendingRequest(
                    this, parsed.context(), parsed.body(), frame, parts.clock().nanoTime());
        } catch (RuntimeException | Error e) {
            frame.release();
            throw e;
        }
        unanswered.add(request);
        unsentFetches += request.isFetch() ? 1 : 0;
        try {
            if (request.body() instanceof ApiVersionsRequest versions && versions.hasUnsupportedRequestVersion()) {
                request.respond(versions.getErrorResponse(0, Errors.UNSUPPORTED_VERSION.exception()));
            } else {
                parts.handler().handle(request);
            }
        } catch (RuntimeException | Error e) {
            // An Error too: a request that nobody answers would hold its frame for ever.
            LOG.error("The handler of {} from {} failed", request.header(), id, e);
            parts.metrics().error("handler");
            request.fail(e);
        }
    }

    private static void drop(PendingRequest request, @Nullable AbstractResponse response) {
        request.releaseFrame();
        if (response != null) {
            ResponseRecords.release(response);
        }
    }

    private void answered(PendingRequest request, @Nullable AbstractResponse response) {
        if (closed) {
            drop(request, response);
            return;
        }
        request.response = response;
        try {
            request.outgoing = response == null
                    ? List.of()
                    : ResponseBytes.of(request.context().buildResponseSend(response), channel.alloc());
        } catch (IOException | RuntimeException | Error e) {
            LOG.error("The response to {} of {} cannot be written", request.header(), id, e);
            request.releaseRecords();
            refuse("internal", "a response could not be written: " + e);
            return;
        } finally {
            request.releaseFrame();
        }
        writeInOrder();
        readRequests();
    }

    private void writeInOrder() {
        boolean wrote = false;
        for (PendingRequest head = unanswered.peek(); head != null && head.outgoing != null; head = unanswered.peek()) {
            unanswered.poll();
            write(head, head.outgoing);
            wrote = true;
        }
        if (wrote && !flushQueued) {
            flushQueued = true;
            channel.eventLoop().execute(this::flushNow);
        }
        closeIfDrained();
    }

    private void write(PendingRequest request, List<ByteBuf> buffers) {
        request.outgoing = null;
        if (buffers.isEmpty()) {
            unsentFetches -= request.isFetch() ? 1 : 0;
            recordDone(request);
            return;
        }
        long bytes = 0;
        for (ByteBuf buffer : buffers) {
            bytes += buffer.readableBytes();
        }
        int last = buffers.size() - 1;
        for (int i = 0; i < last; i++) {
            channel.write(buffers.get(i), channel.voidPromise());
        }
        ChannelPromise done = channel.newPromise();
        long sentBytes = bytes;
        unsentResponses++;
        done.addListener(future -> {
            unsentResponses--;
            unsentFetches -= request.isFetch() ? 1 : 0;
            request.releaseRecords();
            if (future.isSuccess()) {
                lastActivityNanos = parts.clock().nanoTime();
                parts.metrics().sent(sentBytes);
                recordDone(request);
            }
            if (request.isFetch()) {
                readRequests();
            }
            closeIfDrained();
        });
        channel.write(buffers.get(last), done);
    }

    private void recordDone(PendingRequest request) {
        parts.metrics().answered(request.header().apiKey(), parts.clock().nanoTime() - request.receivedNanos());
    }

    private void flushNow() {
        flushQueued = false;
        if (!closed) {
            channel.flush();
        }
    }

    private void closeIfDrained() {
        if (draining && !closed && unanswered.isEmpty() && unsentResponses == 0) {
            close();
        }
    }

    private void refuse(String reason, String detail) {
        parts.metrics().error(reason);
        parts.log().warn("Closing connection " + id + " (" + reason + "): " + detail);
        close();
    }

    private void close() {
        closed = true;
        channel.close();
    }

    private void scheduleIdleCheck(long delayMs) {
        idleCheck = channel.eventLoop().schedule(this::checkIdle, Math.max(1, delayMs), TimeUnit.MILLISECONDS);
    }

    private void checkIdle() {
        if (closed) {
            return;
        }
        long silentMs = TimeUnit.NANOSECONDS.toMillis(parts.clock().nanoTime() - lastActivityNanos);
        long idleMs = parts.config().limits().idleMs();
        if (silentMs >= idleMs) {
            LOG.debug("Closing connection {}: silent for {} ms (connections.max.idle.ms)", id, silentMs);
            parts.metrics().error("idle");
            close();
        } else {
            scheduleIdleCheck(idleMs - silentMs);
        }
    }

    private static String reasonOf(Throwable error) {
        Throwable cause = error.getCause();
        return cause == null ? String.valueOf(error.getMessage()) : error.getMessage() + ": " + cause.getMessage();
    }
}

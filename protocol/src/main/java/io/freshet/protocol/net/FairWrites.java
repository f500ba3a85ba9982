// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;

/**
 * Lets connections take turns at their event loop: a large answer leaves in pieces, and between two pieces the loop serves
 * everybody else. Without it a reader that catches up occupies the loop for as long as its socket takes megabytes, and
 * everybody's small answers wait behind them. What waits here counts as unsent: above a limit the channel is not writable.
 * Messages are byte buffers. Confined to one event loop.
 */
final class FairWrites extends ChannelDuplexHandler {
    /** What one connection sends before it is the others' turn: about 0.1 ms of a core. */
    static final int TURN_BYTES = 128 << 10;

    private static final int SMALL_BYTES = 16 << 10;
    private static final int WRITABILITY_INDEX = 1;

    private final int highWaterBytes;
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private int flushable;
    private boolean isTurnRunning;

    private record Waiting(ByteBuf bytes, ChannelPromise promise) {}

    FairWrites(int highWaterBytes) {
        this.highWaterBytes = highWaterBytes;
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        ByteBuf bytes = (ByteBuf) message;
        boolean isAtOnce = waiting.isEmpty() && bytes.readableBytes() <= SMALL_BYTES;
        if (isAtOnce || !ctx.channel().isActive()) {
            ctx.write(bytes, promise);
            return;
        }
        waiting.add(new Waiting(bytes, promise));
        waitingBytes += bytes.readableBytes();
        updateWritability(ctx);
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        flushable = waiting.size();
        if (flushable == 0) {
            ctx.flush();
        } else if (!isTurnRunning) {
            takeTurn(ctx);
        }
    }

    /** Hands one turn's bytes to the socket. The next turn is due when the socket has taken them. */
    private void takeTurn(ChannelHandlerContext ctx) {
        isTurnRunning = true;
        int left = TURN_BYTES;
        ChannelPromise last = ctx.newPromise();
        while (left > 0 && flushable > 0) {
            Waiting next = waiting.element();
            int size = next.bytes().readableBytes();
            if (size > left) {
                waitingBytes -= left;
                ctx.write(next.bytes().readRetainedSlice(left), last);
                break;
            }
            waiting.remove();
            flushable--;
            waitingBytes -= size;
            left -= size;
            boolean isLast = left == 0 || flushable == 0;
            last = isLast ? next.promise().unvoid() : last;
            ctx.write(next.bytes(), isLast ? last : next.promise());
        }
        last.addListener(sent -> turnEnded(ctx));
        updateWritability(ctx);
        ctx.flush();
    }

    private void turnEnded(ChannelHandlerContext ctx) {
        if (flushable == 0 || !ctx.channel().isActive()) {
            isTurnRunning = false;
        } else {
            ctx.executor().execute(() -> takeNextTurn(ctx));
        }
    }

    private void takeNextTurn(ChannelHandlerContext ctx) {
        isTurnRunning = false;
        if (flushable > 0) {
            takeTurn(ctx);
        }
    }

    private void updateWritability(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer unsent = ctx.channel().unsafe().outboundBuffer();
        boolean isWritable = waitingBytes <= highWaterBytes;
        if (unsent != null && unsent.getUserDefinedWritability(WRITABILITY_INDEX) != isWritable) {
            unsent.setUserDefinedWritability(WRITABILITY_INDEX, isWritable);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        ClosedChannelException reason = new ClosedChannelException();
        flushable = 0;
        for (Waiting next = waiting.poll(); next != null; next = waiting.poll()) {
            next.bytes().release();
            next.promise().tryFailure(reason);
        }
        waitingBytes = 0;
        ctx.fireChannelInactive();
    }
}

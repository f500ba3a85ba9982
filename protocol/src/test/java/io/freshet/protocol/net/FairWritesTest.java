// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.protocol.BufferLeaks;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FairWritesTest {
    private static final int HIGH_WATER = 1 << 20;

    static {
        BufferLeaks.install();
    }

    private final EmbeddedChannel channel = new EmbeddedChannel(new FairWrites(HIGH_WATER));

    private static ByteBuf bytes(int size, int seed) {
        byte[] content = new byte[size];
        new Random(seed).nextBytes(content);
        return ByteBufAllocator.DEFAULT.directBuffer(size).writeBytes(content);
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        BufferLeaks.assertNone();
    }

    private byte[] sent() {
        ByteBuf all = Unpooled.buffer();
        for (ByteBuf piece = channel.readOutbound(); piece != null; piece = channel.readOutbound()) {
            all.writeBytes(piece);
            piece.release();
        }
        byte[] content = new byte[all.readableBytes()];
        all.readBytes(content);
        return content;
    }

    @Test
    void allBytesLeaveInOrderWhateverTheirSizes() {
        Random random = new Random(9);
        for (int round = 0; round < 50; round++) {
            ByteBuf expected = Unpooled.buffer();
            List<ChannelFuture> done = new ArrayList<>();
            for (int i = 0; i < 1 + random.nextInt(6); i++) {
                ByteBuf next = bytes(random.nextInt(3) == 0 ? random.nextInt(400_000) : random.nextInt(300), i);
                expected.writeBytes(next.duplicate());
                if (random.nextBoolean()) {
                    channel.write(next, channel.voidPromise());
                } else {
                    done.add(channel.write(next));
                }
                if (random.nextInt(3) == 0) {
                    channel.flush();
                }
            }
            channel.flush();
            channel.runPendingTasks();
            byte[] all = new byte[expected.readableBytes()];
            expected.readBytes(all);
            assertThat(sent()).isEqualTo(all);
            assertThat(done).allSatisfy(future -> assertThat(future.isSuccess()).isTrue());
        }
    }

    @Test
    void aLargeAnswerLeavesInTurns() {
        List<Integer> turns = new ArrayList<>();
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            private int bytes;

            @Override
            public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
                bytes += ((ByteBuf) message).readableBytes();
                ctx.write(message, promise);
            }

            @Override
            public void flush(ChannelHandlerContext ctx) {
                turns.add(bytes);
                bytes = 0;
                ctx.flush();
            }
        });
        channel.write(bytes(100_000, 1));
        channel.write(bytes(5 * FairWrites.TURN_BYTES, 2));
        ChannelFuture done = channel.write(bytes(100, 3));
        channel.flush();
        channel.runPendingTasks();
        assertThat(done.isSuccess()).isTrue();
        assertThat(turns).hasSize(6).allSatisfy(bytes -> assertThat(bytes).isLessThanOrEqualTo(FairWrites.TURN_BYTES));
        assertThat(sent()).hasSize(100_100 + 5 * FairWrites.TURN_BYTES);
    }

    @Test
    void nothingLeavesWithoutAFlush() {
        channel.write(bytes(1000, 1));
        channel.write(bytes(300_000, 2));
        channel.runPendingTasks();
        assertThat(sent()).isEmpty();
        channel.flush();
        channel.runPendingTasks();
        assertThat(sent()).hasSize(301_000);
    }

    @Test
    void whatWaitsMakesTheChannelUnwritable() {
        channel.write(bytes(HIGH_WATER + 1, 1));
        channel.runPendingTasks();
        assertThat(channel.isWritable()).isFalse();
        channel.flush();
        channel.runPendingTasks();
        assertThat(channel.isWritable()).isTrue();
        sent();
    }

    @Test
    void closingFreesWhatWaits() {
        ByteBuf first = bytes(300_000, 1);
        ByteBuf second = bytes(300_000, 2);
        ChannelFuture done = channel.write(first);
        ChannelFuture alsoDone = channel.write(second);
        channel.close();
        channel.runPendingTasks();
        assertThat(done.isDone()).isTrue();
        assertThat(alsoDone.isSuccess()).isFalse();
        assertThat(first.refCnt()).isZero();
        assertThat(second.refCnt()).isZero();
    }
}

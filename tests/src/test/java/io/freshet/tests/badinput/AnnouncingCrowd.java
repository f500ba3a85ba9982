// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Many connections that each announce a request and never send all of it. One thread serves them all. */
final class AnnouncingCrowd implements AutoCloseable {
    /**
     * How each connection behaves.
     *
     * @param announcedBytes length of the request that never comes
     * @param sentBytes how much of it is sent at once
     * @param dripMs then one byte more every so often; 0 for never
     * @param returns whether a connection that the server ended is opened again
     */
    record Manners(int announcedBytes, int sentBytes, long dripMs, boolean returns) {}

    private final InetSocketAddress server;
    private final Manners manners;
    private final Selector selector;
    private final Thread thread;
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean closing;
    private volatile String failure = "";

    AnnouncingCrowd(int port, int count, Manners manners) throws IOException {
        this.server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        this.manners = manners;
        this.selector = Selector.open();
        for (int i = 0; i < count; i++) {
            join();
        }
        thread = new Thread(this::run, "crowd");
        thread.start();
    }

    /** Connections that the server has ended so far. */
    int ended() {
        return ended.get();
    }

    /** Connections that have been opened so far. */
    int opened() {
        return opened.get();
    }

    private void join() throws IOException {
        SocketChannel channel = SocketChannel.open(server);
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        ByteBuffer start = ByteBuffer.allocate(Integer.BYTES + manners.sentBytes);
        start.putInt(manners.announcedBytes).rewind();
        channel.register(selector, SelectionKey.OP_READ | SelectionKey.OP_WRITE, start);
        opened.incrementAndGet();
    }

    private void run() {
        try {
            long lastDripNanos = System.nanoTime();
            while (!closing) {
                selector.select(50);
                boolean drips = manners.dripMs > 0
                        && System.nanoTime() - lastDripNanos >= TimeUnit.MILLISECONDS.toNanos(manners.dripMs);
                if (drips) {
                    lastDripNanos = System.nanoTime();
                }
                for (SelectionKey key : new ArrayList<>(selector.keys())) {
                    if (key.isValid() && !serve(key, drips)) {
                        ended.incrementAndGet();
                        key.channel().close();
                        if (manners.returns) {
                            join();
                        }
                    }
                }
                selector.selectedKeys().clear();
            }
        } catch (IOException | RuntimeException e) {
            failure = e.toString();
        }
    }

    private static boolean serve(SelectionKey key, boolean drips) {
        SocketChannel channel = (SocketChannel) key.channel();
        ByteBuffer start = (ByteBuffer) key.attachment();
        try {
            if (start.hasRemaining()) {
                channel.write(start);
                if (!start.hasRemaining()) {
                    key.interestOps(SelectionKey.OP_READ);
                }
            } else if (drips) {
                channel.write(ByteBuffer.allocate(1));
            }
            return channel.read(ByteBuffer.allocate(64)) >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        closing = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while the crowd left", e);
        }
        for (SelectionKey key : selector.keys()) {
            key.channel().close();
        }
        selector.close();
        if (!failure.isEmpty()) {
            throw new AssertionError("The crowd stopped: " + failure);
        }
    }
}

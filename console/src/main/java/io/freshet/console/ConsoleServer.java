// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Health and metrics over HTTP, on one event loop of its own. Started and closed by one thread. */
public final class ConsoleServer implements AutoCloseable {
    private static final int MAX_LINE_BYTES = 4096;
    private static final int MAX_HEADER_BYTES = 16 * 1024;
    private static final int MAX_CHUNK_BYTES = 8192;
    private static final int MAX_BODY_BYTES = 1024;
    private static final int MAX_CONNECTIONS = 256;
    private static final int IDLE_SECONDS = 30;
    private static final int CLOSE_TIMEOUT_MS = 2000;

    private final EventLoopGroup eventLoop = new NioEventLoopGroup(1, Threads.factory("freshet-console"));
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    private final Channel listener;

    private ConsoleServer(String host, int port, HealthSource health, Supplier<String> metrics, StorageSource storage) {
        ChannelFuture bound = new ServerBootstrap()
                .group(eventLoop)
                .channel(NioServerSocketChannel.class)
                .childHandler(new Initializer(health, metrics, storage))
                .bind(host, port)
                .awaitUninterruptibly();
        this.listener = bound.channel();
        if (!bound.isSuccess()) {
            stopLoop();
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "HTTP cannot bind " + host + ":" + port + " ("
                            + bound.cause().getMessage() + "); free the port or choose another",
                    bound.cause());
        }
    }

    /**
     * Listens on {@code host:port} (0 picks a free port).
     *
     * @param metrics gives the Prometheus text, as PrometheusMeterRegistry::scrape does; runs on the event loop
     */
    public static ConsoleServer start(String host, int port, HealthSource health, Supplier<String> metrics) {
        return start(host, port, health, metrics, StorageSource.NONE);
    }

    /** The same with the pages under {@link StorageSource#PREFIX}. */
    public static ConsoleServer start(
            String host, int port, HealthSource health, Supplier<String> metrics, StorageSource storage) {
        return new ConsoleServer(host, port, health, metrics, storage);
    }

    public int boundPort() {
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** Stops listening and closes all connections, within a few seconds. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly(CLOSE_TIMEOUT_MS);
        connections.close().awaitUninterruptibly(CLOSE_TIMEOUT_MS);
        stopLoop();
    }

    private void stopLoop() {
        eventLoop
                .shutdownGracefully(0, CLOSE_TIMEOUT_MS, TimeUnit.MILLISECONDS)
                .awaitUninterruptibly(2L * CLOSE_TIMEOUT_MS);
    }

    private final class Initializer extends ChannelInitializer<SocketChannel> {
        private final HealthSource health;
        private final Supplier<String> metrics;
        private final StorageSource storage;

        Initializer(HealthSource health, Supplier<String> metrics, StorageSource storage) {
            this.health = health;
            this.metrics = metrics;
            this.storage = storage;
        }

        @Override
        protected void initChannel(SocketChannel channel) {
            if (connections.size() >= MAX_CONNECTIONS) {
                channel.close();
                return;
            }
            connections.add(channel);
            channel.pipeline()
                    .addLast(new ReadTimeoutHandler(IDLE_SECONDS))
                    .addLast(new HttpServerCodec(MAX_LINE_BYTES, MAX_HEADER_BYTES, MAX_CHUNK_BYTES))
                    .addLast(new HttpObjectAggregator(MAX_BODY_BYTES, true))
                    .addLast(new Pages(health, metrics, storage));
        }
    }
}

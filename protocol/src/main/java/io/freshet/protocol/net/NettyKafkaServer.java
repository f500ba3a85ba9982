// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.runtime.Threads;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServer;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.Listener;
import io.freshet.protocol.RequestHandler;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listeners, event loops and the set of open connections. Started and closed by one thread. */
public final class NettyKafkaServer implements KafkaServer {
    private static final Logger LOG = LoggerFactory.getLogger(NettyKafkaServer.class);

    /** So often one loop or another is asked how late it is. */
    private static final int PROBE_PERIOD_MS = 10;

    private final ServerParts parts;
    private final EventLoopGroup eventLoops;
    private final Scheduler.Cancellable stallChecks;
    private final boolean epoll;
    private final List<Channel> listeners = new ArrayList<>();
    private final Map<String, Integer> ports = new LinkedHashMap<>();
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    private final AtomicInteger nextIndex = new AtomicInteger();

    private NettyKafkaServer(ServerParts parts) {
        this.parts = parts;
        KafkaServerConfig.Sockets sockets = parts.config().sockets();
        this.epoll = sockets.preferNative() && Epoll.isAvailable();
        int threads = sockets.eventLoops() > 0
                ? sockets.eventLoops()
                : Runtime.getRuntime().availableProcessors();
        ThreadFactory factory = Threads.factory("freshet-network");
        this.eventLoops = epoll ? new EpollEventLoopGroup(threads, factory) : new NioEventLoopGroup(threads, factory);
        this.stallChecks = schedulerOn(eventLoops.next())
                .scheduleRepeatedly(StalledFrames.CHECK_MS, new StalledFrames(parts.memory(), parts.clock()));
        eventLoops.forEach(loop -> probe(loop, TimeUnit.MILLISECONDS.toNanos((long) PROBE_PERIOD_MS * threads)));
    }

    /**
     * Measures how late a loop comes to its tasks. A request that arrives while the loop is busy waits unseen in its socket: its
     * own time begins only when it is read. What a loop has missed it makes up for at once, so that a long delay counts as often
     * as it was long.
     */
    private void probe(EventExecutor loop, long periodNanos) {
        long[] dueNanos = {parts.clock().nanoTime() + periodNanos};
        loop.scheduleAtFixedRate(
                () -> {
                    parts.metrics().loopDelayed(Math.max(0, parts.clock().nanoTime() - dueNanos[0]));
                    dueNanos[0] += periodNanos;
                },
                periodNanos,
                periodNanos,
                TimeUnit.NANOSECONDS);
    }

    /** See {@link io.freshet.protocol.KafkaServers#start}. */
    public static NettyKafkaServer start(
            KafkaServerConfig config, RequestHandler handler, EnabledApis apis, MeterRegistry meters, Clock clock) {
        KafkaServerConfig.Limits limits = config.limits();
        RequestMemory memory = new RequestMemory(limits.requestMemoryBytes(), clock);
        ConnectionCounts counts = new ConnectionCounts(limits.maxConnections(), limits.maxConnectionsPerIp());
        NetworkMetrics metrics = new NetworkMetrics(meters, counts, memory);
        RateLimitedLog log = new RateLimitedLog(LOG, clock);
        NettyKafkaServer server =
                new NettyKafkaServer(new ServerParts(config, handler, apis, memory, counts, metrics, clock, log));
        try {
            config.listeners().forEach(server::bind);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
        return server;
    }

    private static Scheduler schedulerOn(EventLoop loop) {
        return (delayMs, task) -> {
            Future<?> scheduled = loop.schedule(task, delayMs, TimeUnit.MILLISECONDS);
            return () -> scheduled.cancel(false);
        };
    }

    @Override
    public Map<String, Integer> boundPorts() {
        return Map.copyOf(ports);
    }

    @Override
    public void close() {
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        long timeoutMs = parts.config().limits().closeTimeoutMs();
        for (Channel channel : connections) {
            KafkaConnection connection = channel.pipeline().get(KafkaConnection.class);
            if (connection != null) {
                connection.drain();
            }
        }
        if (!connections.newCloseFuture().awaitUninterruptibly(timeoutMs)) {
            LOG.info("Closing {} connections whose requests did not end within {} ms", connections.size(), timeoutMs);
        }
        connections.close().awaitUninterruptibly(timeoutMs);
        stallChecks.cancel();
        eventLoops.shutdownGracefully(0, timeoutMs, TimeUnit.MILLISECONDS).awaitUninterruptibly(2 * timeoutMs);
    }

    private void bind(Listener listener) {
        KafkaServerConfig.Sockets sockets = parts.config().sockets();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(eventLoops)
                .channel(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, sockets.backlog())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(sockets.writeHighWaterBytes() / 2, sockets.writeHighWaterBytes()))
                .childHandler(new Initializer(listener.name()));
        if (sockets.sendBufferBytes() > 0) {
            bootstrap.childOption(ChannelOption.SO_SNDBUF, sockets.sendBufferBytes());
        }
        if (sockets.receiveBufferBytes() > 0) {
            // On the listening socket, so that the window scale of accepted connections follows it.
            bootstrap.option(ChannelOption.SO_RCVBUF, sockets.receiveBufferBytes());
        }
        ChannelFuture bound = bootstrap.bind(listener.host(), listener.port()).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Listener " + listener.name() + " cannot bind " + listener.host() + ":" + listener.port() + " ("
                            + bound.cause().getMessage() + "); free the port or change listeners",
                    bound.cause());
        }
        listeners.add(bound.channel());
        ports.put(listener.name(), ((InetSocketAddress) bound.channel().localAddress()).getPort());
    }

    /** Sets up accepted connections. */
    private final class Initializer extends ChannelInitializer<Channel> {
        private final String listenerName;

        Initializer(String listenerName) {
            this.listenerName = listenerName;
        }

        @Override
        protected void initChannel(Channel channel) {
            if (!(channel.remoteAddress() instanceof InetSocketAddress client)) {
                channel.close();
                return;
            }
            if (!parts.counts().tryOpen(client.getAddress())) {
                parts.metrics().error("connection_limit");
                parts.log()
                        .warn("Refusing a connection of " + client + ": max.connections or"
                                + " max.connections.per.ip is reached");
                channel.close();
                return;
            }
            channel.closeFuture().addListener(f -> parts.counts().close(client.getAddress()));
            String id = connectionId((InetSocketAddress) channel.localAddress(), client);
            RequestParser parser = new RequestParser(parts.apis(), listenerName, id, client);
            MemoryHook hook = new MemoryHook();
            FrameReader reader = new FrameReader(
                    channel.alloc(), parts.memory(), parts.config().limits().maxFrameBytes(), hook);
            KafkaConnection connection = new KafkaConnection(parts, channel, reader, parser, id);
            hook.connection = connection;
            channel.config().setRecvByteBufAllocator(new FrameReceiveAllocator(reader));
            channel.pipeline().addLast(new FairWrites(parts.config().sockets().writeHighWaterBytes()));
            channel.pipeline().addLast(connection);
            connections.add(channel);
        }
    }

    /** Closes the circle between a connection and its reader. */
    private static final class MemoryHook implements RequestMemory.Holder {
        @Nullable
        KafkaConnection connection;

        @Override
        public void granted() {
            if (connection != null) {
                connection.memoryGranted();
            }
        }

        @Override
        public void evict(RequestMemory.Grant grant, int enoughBytes) {
            if (connection != null) {
                connection.evict(grant, enoughBytes);
            }
        }
    }

    private String connectionId(InetSocketAddress local, InetSocketAddress remote) {
        return local.getAddress().getHostAddress() + ":" + local.getPort() + "-"
                + remote.getAddress().getHostAddress() + ":" + remote.getPort() + "-" + nextIndex.getAndIncrement();
    }
}

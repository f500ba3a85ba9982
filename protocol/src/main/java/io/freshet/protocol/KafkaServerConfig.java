// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import io.netty.util.internal.PlatformDependent;
import java.util.List;

/** What the front end listens on, what it allows, and how it sets up sockets. */
public record KafkaServerConfig(List<Listener> listeners, Limits limits, Sockets sockets) {

    public KafkaServerConfig {
        listeners = List.copyOf(listeners);
    }

    /** Kafka's defaults for {@code listeners}. */
    public static KafkaServerConfig defaults(List<Listener> listeners) {
        return new KafkaServerConfig(listeners, Limits.defaults(), Sockets.defaults());
    }

    public KafkaServerConfig withLimits(Limits limits) {
        return new KafkaServerConfig(listeners, limits, sockets);
    }

    public KafkaServerConfig withSockets(Sockets sockets) {
        return new KafkaServerConfig(listeners, limits, sockets);
    }

    /**
     * Bounds on what clients may use.
     *
     * @param maxFrameBytes largest request, {@code socket.request.max.bytes}
     * @param requestMemoryBytes frames being read or not answered yet, over all connections; reading pauses above it
     * @param maxRequestsInFlight unanswered requests of one connection before reading from it pauses
     * @param maxConnections connections in all, {@code max.connections}
     * @param maxConnectionsPerIp connections of one client address, {@code max.connections.per.ip}
     * @param idleMs silence after which a connection is closed, {@code connections.max.idle.ms}
     * @param closeTimeoutMs how long {@link KafkaServer#close()} waits for requests in flight
     */
    public record Limits(
            int maxFrameBytes,
            long requestMemoryBytes,
            int maxRequestsInFlight,
            int maxConnections,
            int maxConnectionsPerIp,
            long idleMs,
            long closeTimeoutMs) {

        /** Direct memory that this process may use in all, in bytes. */
        public static long directMemoryBytes() {
            return PlatformDependent.maxDirectMemory();
        }

        public static Limits defaults() {
            long memory = directMemoryBytes() / 4;
            return new Limits(104_857_600, memory, 100, Integer.MAX_VALUE, Integer.MAX_VALUE, 600_000, 5_000);
        }

        public Limits withMaxFrameBytes(int bytes) {
            return new Limits(
                    bytes,
                    requestMemoryBytes,
                    maxRequestsInFlight,
                    maxConnections,
                    maxConnectionsPerIp,
                    idleMs,
                    closeTimeoutMs);
        }

        public Limits withRequestMemoryBytes(long bytes) {
            return new Limits(
                    maxFrameBytes,
                    bytes,
                    maxRequestsInFlight,
                    maxConnections,
                    maxConnectionsPerIp,
                    idleMs,
                    closeTimeoutMs);
        }

        public Limits withMaxConnections(int all, int perIp) {
            return new Limits(
                    maxFrameBytes, requestMemoryBytes, maxRequestsInFlight, all, perIp, idleMs, closeTimeoutMs);
        }

        public Limits withIdleMs(long ms) {
            return new Limits(
                    maxFrameBytes,
                    requestMemoryBytes,
                    maxRequestsInFlight,
                    maxConnections,
                    maxConnectionsPerIp,
                    ms,
                    closeTimeoutMs);
        }
    }

    /**
     * Threads and socket options.
     *
     * @param eventLoops network threads, {@code num.network.threads}; 0 means one per core
     * @param sendBufferBytes {@code socket.send.buffer.bytes}; −1 leaves it to the operating system
     * @param receiveBufferBytes {@code socket.receive.buffer.bytes}; −1 leaves it to the operating system
     * @param backlog connections waiting to be accepted, {@code socket.listen.backlog.size}
     * @param writeHighWaterBytes unsent response bytes of one connection above which reading from it pauses
     * @param preferNative use epoll where it is available
     */
    public record Sockets(
            int eventLoops,
            int sendBufferBytes,
            int receiveBufferBytes,
            int backlog,
            int writeHighWaterBytes,
            boolean preferNative) {

        public static Sockets defaults() {
            return new Sockets(0, -1, -1, 50, 1 << 20, true);
        }

        public Sockets withEventLoops(int count) {
            return new Sockets(count, sendBufferBytes, receiveBufferBytes, backlog, writeHighWaterBytes, preferNative);
        }

        public Sockets withPreferNative(boolean prefer) {
            return new Sockets(eventLoops, sendBufferBytes, receiveBufferBytes, backlog, writeHighWaterBytes, prefer);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.membership.Lease;
import io.freshet.broker.membership.Membership;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.MetadataNode;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A broker's way out of a cluster that goes on without it. Blocks; used by the thread that stops the server. */
final class Departure {
    private static final Logger LOG = LoggerFactory.getLogger(Departure.class);
    private static final Duration LOOK = Duration.ofMillis(50);

    private final ServerConfig config;
    private final MetadataNode metadata;
    private final Membership membership;
    private final Clock clock;

    Departure(ServerConfig config, MetadataNode metadata, Membership membership, Clock clock) {
        this.config = config;
        this.metadata = metadata;
        this.membership = membership;
        this.clock = clock;
    }

    /** Returns when others lead all that this broker led, or need not or cannot do so in time; never throws. */
    void await() {
        Duration timeout = Duration.ofMillis(config.kafka().getLong(FreshetKeys.CONTROLLED_SHUTDOWN_TIMEOUT_MS));
        if (timeout.isZero() || isAlone()) {
            return;
        }
        long beganNs = clock.nanoTime();
        try {
            await("the move of this broker's partitions", timeout, membership.leave(), membership.lease(), clock);
            LOG.info(
                    "This broker leads nothing any more, after {} ms",
                    TimeUnit.NANOSECONDS.toMillis(clock.nanoTime() - beganNs));
        } catch (FreshetException e) {
            LOG.warn("This broker stops though it leads partitions: {}", e.getMessage());
        }
    }

    private boolean isAlone() {
        return metadata.image().cluster().brokers().values().stream()
                .noneMatch(
                        broker -> broker.id() != config.nodeId() && !broker.fenced() && !broker.inControlledShutdown());
    }

    /** As {@link Waiting#on}, but gives up as soon as the cluster has not answered this broker for as long as {@code lease}. */
    static <T> T await(String what, Duration timeout, CompletableFuture<T> future, Lease lease, Clock clock) {
        long beganNs = clock.nanoTime();
        while (true) {
            long leftNs = timeout.toNanos() - (clock.nanoTime() - beganNs);
            if (future.isDone() || leftNs <= LOOK.toNanos()) {
                return Waiting.on(what, Duration.ofNanos(Math.max(0, leftNs)), future);
            }
            if (!lease.isHeld()) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE, what + " was given up: the cluster does not answer this broker");
            }
            Waiting.forAMoment(LOOK, future);
        }
    }
}

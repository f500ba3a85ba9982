// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** Virtual time, a bucket, a quorum, and owners of broker 5's WAL, one after the other. */
final class SimCluster {
    static final int BROKER = 5;

    final SimRuntime runtime;
    final SimBucket bucket;
    final SimQuorum quorum;
    UnaryOperator<S3WalConfig> settings = config -> config;

    SimCluster(long seed) {
        runtime = new SimRuntime(seed);
        bucket = new SimBucket(runtime);
        quorum = new SimQuorum(runtime, bucket);
    }

    /** A process that registers and begins to open the WAL. */
    Owner start() {
        return new Owner();
    }

    /** One that has opened it. */
    Owner open() {
        Owner owner = start();
        runtime.await(owner.opening);
        return owner;
    }

    /** A record as recovery showed it. */
    record Seen(long lsn, long streamId, int leaderEpoch, long offset, String text) {}

    final class Owner {
        final SimRuntime.Host host = runtime.host();
        final long epoch = quorum.register();
        final SimpleMeterRegistry meters = new SimpleMeterRegistry();
        final List<Seen> recovered = new ArrayList<>();
        final CompletableFuture<S3Wal> opening;

        Owner() {
            S3WalConfig config = settings.apply(S3WalConfig.of(BROKER, epoch));
            ObjectStore store = bucket.client(host);
            RecoveryVisitor visitor = (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {
                byte[] bytes = new byte[payload.remaining()];
                payload.get(bytes);
                String text = new String(bytes, StandardCharsets.UTF_8);
                recovered.add(new Seen(lsn, streamId, leaderEpoch, baseOffset, text));
            };
            opening = S3Wal.open(
                    config, store, quorum.client(host, epoch), new SimpleSlots(), visitor, host.services(meters));
        }

        S3Wal wal() {
            return opening.join();
        }

        SimEntry append(long streamId, long offset, String text) {
            SimEntry entry = new SimEntry(streamId, (int) epoch, offset, text);
            wal().append(entry);
            return entry;
        }

        /** Appends and waits until it is durable. */
        SimEntry write(long streamId, long offset, String text) {
            SimEntry entry = append(streamId, offset, text);
            runtime.await(entry.lsn);
            return entry;
        }

        List<String> recoveredTexts() {
            return recovered.stream().map(Seen::text).toList();
        }

        void kill() {
            host.kill();
        }

        double count(String name) {
            return meters.get(name).counter().count();
        }
    }
}

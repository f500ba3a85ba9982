// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import io.freshet.common.runtime.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.FetchManager;
import org.apache.kafka.server.FetchSession.FetchSessionCache;
import org.apache.kafka.server.FetchSessionCacheShard;

/** Makes the table of fetch sessions, which is Kafka's own. */
public final class FetchSessions {
    /** Kafka's default of {@code max.incremental.fetch.session.cache.slots}. */
    public static final int DEFAULT_SLOTS = 1000;

    private static final int SHARDS = 8;
    private static final long MIN_EVICTION_AGE_MS = 120_000;

    private FetchSessions() {}

    /**
     * Room for {@code slots} sessions, in shards so that connections seldom wait for each other. When full, a session that
     * was unused for two minutes, or one smaller than the new one, gives way; else the client goes on without a session.
     */
    public static FetchManager create(Clock clock, int slots) {
        int rangePerShard = Integer.MAX_VALUE / SHARDS;
        List<FetchSessionCacheShard> shards = new ArrayList<>();
        for (int shard = 0; shard < SHARDS; shard++) {
            shards.add(new FetchSessionCacheShard(slots / SHARDS, MIN_EVICTION_AGE_MS, rangePerShard, shard));
        }
        return new FetchManager(new SessionTime(clock), new FetchSessionCache(shards));
    }

    /** Ages of sessions, on the clock that does not jump. */
    private record SessionTime(Clock clock) implements Time {
        @Override
        public long milliseconds() {
            return TimeUnit.NANOSECONDS.toMillis(clock.nanoTime());
        }

        @Override
        public long nanoseconds() {
            return clock.nanoTime();
        }

        @Override
        public void sleep(long ms) {
            throw new UnsupportedOperationException("Sessions do not wait");
        }
    }
}

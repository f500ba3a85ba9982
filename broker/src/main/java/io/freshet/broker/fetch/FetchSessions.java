// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fetch;

import java.util.ArrayList;
import java.util.List;
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
    public static FetchManager create(Time time, int slots) {
        int rangePerShard = Integer.MAX_VALUE / SHARDS;
        List<FetchSessionCacheShard> shards = new ArrayList<>();
        for (int shard = 0; shard < SHARDS; shard++) {
            shards.add(new FetchSessionCacheShard(slots / SHARDS, MIN_EVICTION_AGE_MS, rangePerShard, shard));
        }
        return new FetchManager(time, new FetchSessionCache(shards));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.driver.StoreDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the object store holds, at the moment. */
public final class SimStore {
    public record StoredObject(byte[] bytes, String nonce, long modifiedAtMs) {}

    private final SimTime time;
    private final NavigableMap<String, StoredObject> objects = new TreeMap<>();
    private long stormEndsMs;

    public SimStore(SimTime time) {
        this.time = time;
    }

    public NavigableMap<String, StoredObject> objects() {
        return objects;
    }

    @Nullable
    public StoredObject get(String key) {
        return objects.get(key);
    }

    public void put(String key, byte[] bytes, String nonce) {
        objects.put(key, new StoredObject(bytes, nonce, time.wallMs()));
    }

    public void delete(String key) {
        objects.remove(key);
    }

    /** All requests are refused for {@code ms}. */
    public void storm(long ms) {
        stormEndsMs = time.nowMs() + ms;
    }

    public boolean isStormy() {
        return time.nowMs() < stormEndsMs;
    }

    public ListPage list(String prefix, String startAfter, int maxKeys) {
        List<ObjectStat> found = new ArrayList<>();
        String from = startAfter.compareTo(prefix) > 0 ? startAfter : prefix;
        for (Map.Entry<String, StoredObject> entry : objects.tailMap(from, true).entrySet()) {
            String key = entry.getKey();
            if (!key.startsWith(prefix) || found.size() > maxKeys) {
                break;
            }
            if (key.compareTo(startAfter) > 0) {
                found.add(new ObjectStat(
                        key, entry.getValue().bytes().length, entry.getValue().modifiedAtMs()));
            }
        }
        return StoreDriver.page(found, maxKeys);
    }
}

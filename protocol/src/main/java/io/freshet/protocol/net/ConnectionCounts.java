// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/** Open connections in all and per client address. Safe for use by many threads. */
final class ConnectionCounts {
    private final int limit;
    private final int limitPerIp;
    private final Map<InetAddress, Integer> perIp = new HashMap<>();
    private int open;

    ConnectionCounts(int limit, int limitPerIp) {
        this.limit = limit;
        this.limitPerIp = limitPerIp;
    }

    /** Counts a connection of {@code client}, unless a limit is reached. */
    synchronized boolean tryOpen(InetAddress client) {
        int ofClient = perIp.getOrDefault(client, 0);
        if (open >= limit || ofClient >= limitPerIp) {
            return false;
        }
        open++;
        perIp.put(client, ofClient + 1);
        return true;
    }

    synchronized void close(InetAddress client) {
        open--;
        perIp.computeIfPresent(client, (ip, count) -> count == 1 ? null : count - 1);
    }

    synchronized int open() {
        return open;
    }
}

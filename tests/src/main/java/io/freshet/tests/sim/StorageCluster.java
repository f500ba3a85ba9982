// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.Manifests;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The cluster of a run whose quorum is {@link SimQuorum}. */
record StorageCluster(World world) implements Cluster {
    @Override
    public Manifests manifests() {
        return world.quorum().state().manifests();
    }

    @Override
    public @Nullable ServingProcess serverOf(long streamId) {
        return world.ownerOf(streamId).anyProcess();
    }

    @Override
    public SimDisk disk(int brokerId) {
        return world.brokers.get(brokerId).disk();
    }

    @Override
    public Map<Integer, Manifests> copies() {
        Map<Integer, Manifests> copies = new TreeMap<>();
        for (SimBroker broker : world.brokers) {
            Incarnation running = broker.current();
            if (running != null) {
                copies.put(broker.id(), running.follower().state().manifests());
            }
        }
        return copies;
    }
}

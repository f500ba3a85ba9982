// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.Manifests;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The cluster as clients and audits see it, whatever its quorum is made of. */
public interface Cluster {
    /** The newest committed state. */
    Manifests manifests();

    /** Where clients that look for the stream's owner end up: mostly the newest process of it; null if there is none. */
    @Nullable
    ServingProcess serverOf(long streamId);

    /** The volume of a broker. */
    SimDisk disk(int brokerId);

    /** The copies of the state that brokers have at present, by broker. */
    Map<Integer, Manifests> copies();
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.FreshetException;
import io.freshet.metadata.state.ClusterState.FrozenState;

/** The metadata node as its mirror needs it. All but {@link #onMetadataThread} is called on the metadata thread. */
public interface MirrorHost {
    /** Runs {@code task} on the metadata thread; false if the node has stopped. From any thread. */
    boolean onMetadataThread(Runnable task);

    /** Runs {@code task} on the snapshot thread; false if the node has stopped. */
    boolean onSnapshotThread(Runnable task);

    /** The state as it is now. Close it. */
    FrozenState freeze();

    /** The bucket has not answered for some time: refuse commands with {@code reason}. */
    void stalled(FreshetException reason);

    /** The bucket answers again. */
    void resumed();

    /** The mirror has got another owner, or is damaged: the node must end. */
    void ended(FreshetException reason);
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import java.util.concurrent.CompletableFuture;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;

/** This process's part in the metadata quorum: voter or observer. Safe for use by many threads. */
public interface MetadataNode extends AutoCloseable {
    /** The newest applied image of Kafka's own metadata (topics, partitions with leader = owner, configs, brokers, …). */
    MetadataImage image();

    /** Streams and objects as applied here. */
    Manifests manifests();

    /** Whether {@link #manifests()} knows every manifest and object; else those of the streams that this broker leads only. */
    default boolean keepsEverything() {
        return true;
    }

    /**
     * Completes when the manifest of a stream that this broker leads can be read here. Fails with UNAVAILABLE if that lasts
     * longer than half a minute or the stream is led elsewhere: look at the image again.
     */
    default CompletableFuture<Void> manifestKept(long streamId) {
        return CompletableFuture.completedFuture(null);
    }

    /**
     * Accepts commands. A node that is not the active controller sends them there; one without a way to other nodes fails
     * them with UNAVAILABLE naming the leader.
     */
    ClusterController controller();

    /**
     * Adds a listener. It is first told the present image with a delta from the empty image, then every change, in order,
     * on the metadata thread; it must not block.
     */
    void addListener(ImageListener listener);

    /** Completes when everything up to log offset {@code offset} has been applied here and told to the listeners. */
    CompletableFuture<Void> awaitOffset(long offset);

    /** Completes when a leader is known and this node has caught up with what was committed when it started. */
    CompletableFuture<Void> ready();

    /**
     * Completes with the reason if this node can go on no more: it keeps its last state and takes no commands until the
     * process is started again. A node that cannot fail never completes it.
     */
    default CompletableFuture<Throwable> fault() {
        return new CompletableFuture<>();
    }

    /** The cluster id that this node's directory was formatted with. */
    String clusterId();

    @Override
    void close();

    /** Hears of image changes. */
    interface ImageListener {
        void onChange(MetadataDelta delta, MetadataImage image);
    }
}

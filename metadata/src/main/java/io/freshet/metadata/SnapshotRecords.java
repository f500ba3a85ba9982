// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.metadata.state.ClusterState.FrozenState;
import java.util.function.Consumer;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.writer.ImageWriter;
import org.apache.kafka.image.writer.ImageWriterOptions;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** The records of one frozen state: Kafka's first, then ours. */
public final class SnapshotRecords {
    private SnapshotRecords() {}

    /** Hands every record to {@code sink}, in the order of a snapshot. */
    public static void forEach(FrozenState state, Consumer<ApiMessageAndVersion> sink) {
        MetadataImage image = state.image();
        image.write(new Part(sink), new ImageWriterOptions.Builder(image).build());
        state.forEachOwnRecord(sink);
    }

    /** Kafka's part: the image closes its writer, but our records still follow. */
    private record Part(Consumer<ApiMessageAndVersion> sink) implements ImageWriter {
        @Override
        public void write(ApiMessageAndVersion entry) {
            sink.accept(entry);
        }

        @Override
        public void close(boolean isComplete) {}
    }
}

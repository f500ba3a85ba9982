// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A new, empty stream: streamId long, topicId uuid, partition int. Its owner and epoch stand in Kafka's partition record. */
public final class StreamRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY;

    private long streamId;
    private Uuid topicId = Uuid.ZERO_UUID;
    private int partition;

    StreamRecord() {
        super(API_KEY);
    }

    public StreamRecord(long streamId, Uuid topicId, int partition) {
        this();
        this.streamId = streamId;
        this.topicId = topicId;
        this.partition = partition;
    }

    public long streamId() {
        return streamId;
    }

    public Uuid topicId() {
        return topicId;
    }

    public int partition() {
        return partition;
    }

    @Override
    int sizeBytes() {
        return Long.BYTES + 16 + Integer.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeLong(streamId);
        out.writeUuid(topicId);
        out.writeInt(partition);
    }

    @Override
    void decode(Readable in) {
        streamId = in.readLong();
        topicId = in.readUuid();
        partition = in.readInt();
    }

    @Override
    public String toString() {
        return "StreamRecord(streamId=" + streamId + ", topicId=" + topicId + ", partition=" + partition + ")";
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.metadata.FreshetVersion;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** A topic has changed its WAL lane, so that records of it may lie in another one than it names now: topicId uuid. */
public final class LaneChangedRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 14;

    private Uuid topicId = Uuid.ZERO_UUID;

    LaneChangedRecord() {
        super(API_KEY);
    }

    public LaneChangedRecord(Uuid topicId) {
        this();
        this.topicId = topicId;
    }

    public Uuid topicId() {
        return topicId;
    }

    @Override
    public short since() {
        return FreshetVersion.CLUSTER;
    }

    @Override
    int sizeBytes() {
        return 16;
    }

    @Override
    void encode(Writable out) {
        out.writeUuid(topicId);
    }

    @Override
    void decode(Readable in) {
        topicId = in.readUuid();
    }

    @Override
    public String toString() {
        return "LaneChangedRecord(topicId=" + topicId + ")";
    }
}

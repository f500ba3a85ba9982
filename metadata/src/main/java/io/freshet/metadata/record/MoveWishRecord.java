// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MoveWish;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/** Where a partition is to move: topicId uuid, partition int, target broker int; −1 takes the wish back. */
public final class MoveWishRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 13;

    private MoveWish wish = new MoveWish(Uuid.ZERO_UUID, 0, MoveWish.NONE);

    MoveWishRecord() {
        super(API_KEY);
    }

    public MoveWishRecord(MoveWish wish) {
        this();
        this.wish = wish;
    }

    public MoveWish wish() {
        return wish;
    }

    @Override
    public short since() {
        return FreshetVersion.CLUSTER;
    }

    @Override
    int sizeBytes() {
        return 16 + 2 * Integer.BYTES;
    }

    @Override
    void encode(Writable out) {
        out.writeUuid(wish.topicId());
        out.writeInt(wish.partition());
        out.writeInt(wish.targetBrokerId());
    }

    @Override
    void decode(Readable in) {
        wish = new MoveWish(in.readUuid(), in.readInt(), in.readInt());
    }

    @Override
    public String toString() {
        return "MoveWishRecord(" + wish + ")";
    }
}

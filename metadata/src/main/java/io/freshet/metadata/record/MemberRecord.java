// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MemberState;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;

/**
 * What is kept of a broker, as a whole: brokerId int, brokerEpoch long, flags byte (1 lapsed, 2 drained), count int, then
 * per WAL lane length int and its name in UTF-8.
 */
public final class MemberRecord extends OwnRecord {
    static final short API_KEY = FIRST_API_KEY + 12;
    private static final int LAPSED = 1;
    private static final int DRAINED = 2;

    private MemberState member = new MemberState(0, 0, false, false, List.of());

    MemberRecord() {
        super(API_KEY);
    }

    public MemberRecord(MemberState member) {
        this();
        this.member = member;
    }

    public MemberState member() {
        return member;
    }

    @Override
    public short since() {
        return FreshetVersion.CLUSTER;
    }

    @Override
    int sizeBytes() {
        int size = Integer.BYTES + Long.BYTES + 1 + Integer.BYTES;
        for (String lane : member.walLanes()) {
            size += Integer.BYTES + lane.getBytes(StandardCharsets.UTF_8).length;
        }
        return size;
    }

    @Override
    void encode(Writable out) {
        out.writeInt(member.brokerId());
        out.writeLong(member.brokerEpoch());
        out.writeByte((byte) ((member.isLapsed() ? LAPSED : 0) | (member.isDrained() ? DRAINED : 0)));
        out.writeInt(member.walLanes().size());
        for (String lane : member.walLanes()) {
            byte[] name = lane.getBytes(StandardCharsets.UTF_8);
            out.writeInt(name.length);
            out.writeByteArray(name);
        }
    }

    @Override
    void decode(Readable in) {
        int brokerId = in.readInt();
        long brokerEpoch = in.readLong();
        int flags = in.readByte();
        int count = in.readInt();
        List<String> lanes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            lanes.add(new String(in.readArray(in.readInt()), StandardCharsets.UTF_8));
        }
        member = new MemberState(brokerId, brokerEpoch, (flags & LAPSED) != 0, (flags & DRAINED) != 0, lanes);
    }

    @Override
    public String toString() {
        return "MemberRecord(" + member + ")";
    }
}
